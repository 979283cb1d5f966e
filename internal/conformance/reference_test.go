package conformance_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/conformance"
)

// The recordings are what requests does today, with this package's player and
// server in place of scenario.py's.
func TestReference(t *testing.T) {
	t.Parallel()
	if os.Getenv("SESSION_LIVE") == "" {
		t.Skip("plays every scenario against Python requests, where SESSION_LIVE is set")
	}
	recordings := loadRecordings(t)
	requireReference(t, recordings["urls.json"])
	certificates := newCertificates(t)
	drivers := make(chan *process, runtime.GOMAXPROCS(0))
	for range cap(drivers) {
		drivers <- startDriver(t, "python3", "reference_driver.py")
	}
	for _, s := range loadScenarios(t) {
		t.Run(s.Label(), func(t *testing.T) {
			t.Parallel()
			driver := <-drivers
			defer func() { drivers <- driver }()
			got, err := conformance.Play(s, driver, certificates, t.TempDir())
			require.NoError(t, err)
			s.Deliberate = conformance.Deliberate{}
			assert.Empty(t, differences(t, s, recordings[s.File].Scenarios[s.Name], got))
		})
	}
}

// requireReference skips the test where Python has not the requests that was recorded.
func requireReference(t *testing.T, recorded conformance.Recording) {
	t.Helper()
	const script = "import json, platform, requests, urllib3; print(json.dumps({" +
		"'python': platform.python_version(), 'requests': requests.__version__, 'urllib3': urllib3.__version__}))"
	out, err := exec.Command("python3", "-c", script).Output()
	if err != nil {
		t.Skipf("needs python3 with requests: %v", err)
	}
	var installed conformance.Recording
	require.NoError(t, json.Unmarshal(out, &installed))
	if installed.Requests != recorded.Requests || installed.Urllib3 != recorded.Urllib3 ||
		minor(installed.Python) != minor(recorded.Python) {
		t.Skipf("recorded with requests %s, urllib3 %s and Python %s, but here are %s, %s and %s; to move on, run %s",
			recorded.Requests, recorded.Urllib3, recorded.Python,
			installed.Requests, installed.Urllib3, installed.Python, recordCommand)
	}
}

func minor(version string) string {
	return version[:max(0, strings.LastIndexByte(version, '.'))]
}

// A process is a driver that is a program of its own.
type process struct {
	in  io.Writer
	out *bufio.Reader
}

func startDriver(t *testing.T, name string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(name, args...)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	return &process{in, bufio.NewReader(out)}
}

// Handle sends the line and waits for the answer; a process that has ended
// gives none.
func (p *process) Handle(line []byte) []byte {
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return nil
	}
	answer, _ := p.out.ReadBytes('\n')
	return answer
}
