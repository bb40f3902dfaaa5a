package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const nginxConf = `daemon off;
worker_processes 2;
error_log stderr crit;
pid %[1]s/nginx.pid;
events { worker_connections 1024; }
http {
	access_log off;
	keepalive_requests 100000000;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	upstream itself { server %[2]s; keepalive 64; }
	server {
		listen %[2]s;
		location / { return 200 "hello"; }
		location /proxied { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://itself/; }
	}
}
`

// startNginx starts the target on a free port of the loopback interface.
func startNginx(ctx context.Context) (url string, stop func() error, err error) {
	if _, err := exec.LookPath("nginx"); err != nil {
		return "", nil, fmt.Errorf("the target is a local nginx: %w", err)
	}
	dir, err := os.MkdirTemp("", "badgateway-bench-")
	if err != nil {
		return "", nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConf, dir, address), 0o600); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	command := exec.CommandContext(ctx, "nginx", "-c", conf, "-p", dir)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	stop = func() error {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait() // its exit code says how it was stopped
		return os.RemoveAll(dir)
	}
	if err := awaitPort(ctx, address); err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return "http://" + address + "/", stop, nil
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func awaitPort(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(10 * time.Millisecond): // polling: it does not announce itself
		case <-ctx.Done():
			return fmt.Errorf("nginx does not listen: %w", err)
		}
	}
}
