package main

import (
	"fmt"
	"go/ast"
)

// reading goes from a test through whatever it refers to in its package, and notes what the harness is given to run, and in
// which profiles. Where it meets what it does not understand it says so, rather than guess.
type reading struct {
	*source
	read     map[string]bool
	kinds    map[string]bool
	profiles profiles
}

// scope is what is known inside a declaration: the name of the harness, and what names may stand for.
type scope struct {
	harness string
	known   map[string]profiles
	set     map[string][]ast.Expr
}

// function reads a declaration whose parameters stand for those profiles.
func (r *reading) function(d declaration, arguments map[string]profiles) {
	key := fmt.Sprintf("%p %v", d.node, arguments)
	if r.read[key] {
		return
	}
	r.read[key] = true
	in := r.scopeOf(d, arguments)
	called := map[*ast.Ident]bool{}
	ast.Inspect(d.node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if name := calledName(n); name != nil {
				called[name] = true
				for _, callee := range r.declared[name.Name] {
					r.function(callee, r.bind(callee, n, in))
				}
			}
		case *ast.SelectorExpr:
			if kind, is := kinds[in.ofHarness(n)]; is {
				r.kinds[kind] = true
			}
		case *ast.CompositeLit:
			if of, is := n.Type.(*ast.SelectorExpr); is && (in.ofHarness(of) == "Scenario" || in.ofHarness(of) == "Inspection") {
				r.profiles |= r.profileOf(n, in)
			}
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if field, is := to.(*ast.SelectorExpr); is && field.Sel.Name == "Profile" && len(n.Rhs) == len(n.Lhs) {
					r.profiles |= r.value(n.Rhs[i], in)
				}
			}
		case *ast.Ident:
			for _, other := range r.declared[n.Name] {
				if !called[n] && other.node != d.node {
					r.function(other, nil)
				}
			}
		}
		return true
	})
}

// scopeOf gathers what the names in a declaration are set to; those of a local function's parameters where it is called.
func (r *reading) scopeOf(d declaration, arguments map[string]profiles) scope {
	in := scope{harness: d.harness, known: arguments, set: map[string][]ast.Expr{}}
	local := map[string]*ast.FuncLit{}
	ast.Inspect(d.node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				name, is := to.(*ast.Ident)
				if !is || len(n.Lhs) != len(n.Rhs) {
					continue
				}
				in.set[name.Name] = append(in.set[name.Name], n.Rhs[i])
				if f, is := n.Rhs[i].(*ast.FuncLit); is {
					local[name.Name] = f
				}
			}
		case *ast.RangeStmt:
			if name, is := n.Value.(*ast.Ident); is {
				in.set[name.Name] = append(in.set[name.Name], elements(n.X)...)
			}
		}
		return true
	})
	ast.Inspect(d.node, func(n ast.Node) bool {
		if call, is := n.(*ast.CallExpr); is {
			if name, is := call.Fun.(*ast.Ident); is && local[name.Name] != nil {
				for i, parameter := range parameters(local[name.Name].Type) {
					if i < len(call.Args) {
						in.set[parameter] = append(in.set[parameter], call.Args[i])
					}
				}
			}
		}
		return true
	})
	return in
}

// elements lists the values of a literal slice, array or map.
func elements(e ast.Expr) (all []ast.Expr) {
	literal, is := e.(*ast.CompositeLit)
	if !is {
		return nil
	}
	for _, element := range literal.Elts {
		if pair, is := element.(*ast.KeyValueExpr); is {
			element = pair.Value
		}
		all = append(all, element)
	}
	return all
}

// ofHarness is the name of something of the harness, or "".
func (in scope) ofHarness(s *ast.SelectorExpr) string {
	if x, is := s.X.(*ast.Ident); is && in.harness != "" && x.Name == in.harness {
		return s.Sel.Name
	}
	return ""
}

// calledName is the name of the function or method that is called.
func calledName(call *ast.CallExpr) *ast.Ident {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f
	case *ast.SelectorExpr:
		return f.Sel
	}
	return nil
}

// parameters lists the names of a function's parameters.
func parameters(f *ast.FuncType) (all []string) {
	for _, field := range f.Params.List {
		for _, name := range field.Names {
			all = append(all, name.Name)
		}
	}
	return all
}
