package conformance_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/conformance"
)

// recordCommand makes the recordings anew.
const recordCommand = "python3 internal/conformance/scenario.py record"

// shown is how many differences of one scenario are told.
const shown = 6

// Every scenario comes out as it did with requests, but for the differences
// that it states. The driver changes the environment of this process, so they
// are played one after another.
func TestScenarios(t *testing.T) {
	recordings := loadRecordings(t)
	certificates := newCertificates(t)
	for _, s := range loadScenarios(t) {
		t.Run(s.Label(), func(t *testing.T) {
			want, ok := recordings[s.File].Scenarios[s.Name]
			require.True(t, ok, "not recorded; run %s", recordCommand)
			check(t, s, want, play(t, s, newDriver(t), certificates))
		})
	}
}

// The recordings are of these scenarios and of no others.
func TestRecordings(t *testing.T) {
	t.Parallel()
	recorded := map[string]bool{}
	for file, recording := range loadRecordings(t) {
		for name := range recording.Scenarios {
			recorded[file+"#"+name] = true
		}
	}
	for _, s := range loadScenarios(t) {
		assert.True(t, recorded[s.Label()], "%s is not recorded; run %s", s.Label(), recordCommand)
		delete(recorded, s.Label())
	}
	assert.Empty(t, recorded, "recorded, but no scenario; remove the file or run %s", recordCommand)
}

func loadScenarios(t *testing.T) []conformance.Scenario {
	t.Helper()
	var all []conformance.Scenario
	for _, folder := range []string{"scenarios", "scenarios-more"} {
		found, err := conformance.Load(os.DirFS("."), folder)
		require.NoError(t, err)
		require.NotEmpty(t, found, folder)
		all = append(all, found...)
	}
	return all
}

func loadRecordings(t *testing.T) map[string]conformance.Recording {
	t.Helper()
	recordings, err := conformance.LoadRecordings(os.DirFS("."), "recorded")
	require.NoError(t, err)
	return recordings
}

func newCertificates(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, conformance.WriteCertificates(folder))
	return folder
}

// play plays a scenario and restores the environment when the test ends.
func play(t *testing.T, s conformance.Scenario, driver conformance.Driver, certificates string) conformance.Observation {
	t.Helper()
	for _, name := range append(conformance.EnvNames(s), "SSL_CERT_FILE", "SSL_CERT_DIR") {
		t.Setenv(name, "") // notes what it was
		require.NoError(t, os.Unsetenv(name))
	}
	got, err := conformance.Play(s, driver, certificates, t.TempDir())
	require.NoError(t, err)
	return got
}

func check(t *testing.T, s conformance.Scenario, want, got conformance.Observation) {
	t.Helper()
	found, err := conformance.Compare(s, want, got)
	require.NoError(t, err)
	if len(found) > 0 {
		t.Errorf("%s\n    %s", s.About, strings.Join(found[:min(shown, len(found))], "\n    "))
	}
}
