package main

import "go/ast"

// profiles is a set of profiles, and whether there may be others.
type profiles uint

const (
	smoke profiles = 1 << iota
	ci
	nightly
	untold
)

var profileNames = map[string]profiles{"Smoke": smoke, "CI": ci, "Nightly": nightly}

// smallest names the smallest of the set; nothing if a smaller one may have been meant.
func (p profiles) smallest() string {
	switch {
	case p&smoke != 0:
		return "smoke"
	case p == 0 || p&untold != 0:
		return ""
	case p&ci != 0:
		return "ci"
	}
	return "nightly"
}

// longest names the longest of the set.
func (p profiles) longest() string {
	switch {
	case p&nightly != 0:
		return "nightly"
	case p&ci != 0:
		return "ci"
	case p&smoke != 0:
		return "smoke"
	}
	return ""
}

// bind says which profiles the parameters of a function stand for in a call of it; those that are none are left out.
func (r *reading) bind(callee declaration, call *ast.CallExpr, in scope) map[string]profiles {
	f, is := callee.node.(*ast.FuncDecl)
	if !is {
		return nil
	}
	bound := map[string]profiles{}
	for i, name := range parameters(f.Type) {
		if i < len(call.Args) {
			if p := r.value(call.Args[i], in); p != untold {
				bound[name] = p
			}
		}
	}
	return bound
}

// profileOf is the profile of a literal scenario or inspection.
func (r *reading) profileOf(literal *ast.CompositeLit, in scope) profiles {
	for _, element := range literal.Elts {
		if pair, is := element.(*ast.KeyValueExpr); is {
			if key, is := pair.Key.(*ast.Ident); is && key.Name == "Profile" {
				return r.value(pair.Value, in)
			}
		}
	}
	return ci
}

// value is which profiles an expression may stand for.
func (r *reading) value(e ast.Expr, in scope) profiles {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		if p, is := profileNames[in.ofHarness(e)]; is {
			return p
		}
		if of, is := e.X.(*ast.Ident); is {
			return field(in.set[of.Name], in)
		}
	case *ast.CallExpr:
		if name := calledName(e); name != nil {
			return r.returned(name.Name)
		}
	case *ast.Ident:
		if p, is := in.known[e.Name]; is {
			return p
		}
		var all profiles
		set := in.set[e.Name]
		in.set = without(in.set, e.Name) // x = f(x)
		for _, other := range set {
			all |= r.value(other, in)
		}
		for _, other := range r.declared[e.Name] {
			if value, is := other.node.(ast.Expr); is && all == 0 {
				all |= r.value(value, scope{harness: other.harness})
			}
		}
		if all != 0 {
			return all
		}
	}
	return untold
}

// field is which profiles a field stands for of structs that are written down: the one that each of them names, and the zero
// one where it names none.
func field(of []ast.Expr, in scope) (all profiles) {
	for _, e := range of {
		literal, is := e.(*ast.CompositeLit)
		if !is {
			return untold
		}
		named := ci
		ast.Inspect(literal, func(n ast.Node) bool {
			if s, is := n.(*ast.SelectorExpr); is && profileNames[in.ofHarness(s)] != 0 {
				named = profileNames[in.ofHarness(s)]
			}
			return true
		})
		all |= named
	}
	if all == 0 {
		return untold
	}
	return all
}

// returned is which profiles a function of the package names in what it returns.
func (r *reading) returned(name string) (all profiles) {
	for _, d := range r.declared[name] {
		ast.Inspect(d.node, func(n ast.Node) bool {
			if back, is := n.(*ast.ReturnStmt); is && len(back.Results) == 1 {
				if s, is := back.Results[0].(*ast.SelectorExpr); is {
					all |= profileNames[scope{harness: d.harness}.ofHarness(s)]
				}
			}
			return true
		})
	}
	if all == 0 {
		return untold
	}
	return all
}

func without(set map[string][]ast.Expr, name string) map[string][]ast.Expr {
	rest := map[string][]ast.Expr{}
	for other, to := range set {
		if other != name {
			rest[other] = to
		}
	}
	return rest
}
