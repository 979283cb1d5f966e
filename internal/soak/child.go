package main

import (
	"encoding/json"
	"os"
	"os/exec"
)

// serverVariable, in the environment, makes this program the servers.
const serverVariable = "SOAK_SERVER"

// isServer reports whether this process is the one of the servers.
func isServer() bool { return os.Getenv(serverVariable) != "" }

// startServers starts this program as the servers, in a process of its own so
// that what is measured here is the client alone. stop ends it.
func startServers() (where endpoints, stop func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return where, nil, err
	}
	child := exec.Command(program)
	child.Env = append(os.Environ(), serverVariable+"=1", "GOMEMLIMIT=off")
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		return where, nil, err
	}
	out, err := child.StdoutPipe()
	if err != nil {
		return where, nil, err
	}
	if err := child.Start(); err != nil {
		return where, nil, err
	}
	stop = func() {
		_ = in.Close()
		_ = child.Wait()
	}
	if err := json.NewDecoder(out).Decode(&where); err != nil {
		stop()
		return where, nil, err
	}
	return where, stop, nil
}
