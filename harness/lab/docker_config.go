package lab

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/moby/moby/client"

	"github.com/badgateway/badgateway/fixtures/gateways"
)

// configure gives it the files that have changed. If none has, a gateway that watches them is given them all the same.
func (c *contained) configure(ctx context.Context, serving []gateways.Upstream) error {
	config, err := c.hop.render(c.lab.facts.Version, serving)
	if err != nil {
		return err
	}
	same := func(a, b gateways.File) bool { return bytes.Equal(a.Content, b.Content) }
	all := c.hop.gateway.Reload.Watch && slices.EqualFunc(config, c.config, same)
	for i, file := range config {
		if !all && same(file, c.config[i]) {
			continue
		}
		if err := c.replace(ctx, file); err != nil {
			return fmt.Errorf("reload: %s: %w", file.Target, err)
		}
		c.config[i] = file
	}
	return nil
}

// replace puts files in the place of those that the gateway may be watching. The engine would make an empty file first and
// then write it, and a gateway that reads it in between takes it for its new config: Traefik then answers every request
// with 404 for the two seconds in which it takes in no other. So the file is written under another name, and its own becomes
// a link to that: for a moment there is none of that name, which a gateway does not take for a config.
func (s *service) replace(ctx context.Context, files ...gateways.File) error {
	for _, file := range files {
		if err := s.replaceOne(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

func (s *service) replaceOne(ctx context.Context, file gateways.File) error {
	name := path.Base(file.Target)
	written := fmt.Sprintf(".%s.%d", name, s.replaced.Add(1))
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, entry := range []struct {
		header  tar.Header
		content []byte
	}{
		{tar.Header{Typeflag: tar.TypeReg, Name: written, Size: int64(len(file.Content)), Mode: 0o644}, file.Content},
		{tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: written, Mode: 0o777}, nil},
	} {
		if err := w.WriteHeader(&entry.header); err != nil {
			return err
		}
		if _, err := w.Write(entry.content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err := s.engine.CopyToContainer(ctx, s.id, client.CopyToContainerOptions{DestinationPath: path.Dir(file.Target), Content: &archive})
	return err
}
