package lab

import (
	"context"
	"errors"

	"github.com/moby/moby/client"
)

// project is what the engine knows by one label: containers, and the private network that they are on.
type project struct {
	engine    *client.Client
	own       labels
	network   private
	reach     reach
	addresses addresses // to be had again, if they are fixed
}

// newProject has nothing on the engine yet.
func newProject(ctx context.Context, p Plan) (*project, error) {
	engine, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	own, err := ownLabels(ctx, engine, p)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return &project{engine: engine, own: own}, nil
}

// remove takes everything of it from the engine: its containers, then its network. stuck is what the engine would not give up.
func (p *project) remove(ctx context.Context) (stuck []string, err error) {
	_, stuck, err = remove(ctx, p.engine, labelLab+"="+p.own[labelLab])
	return stuck, errors.Join(err, p.engine.Close())
}
