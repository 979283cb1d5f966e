package conformance_test

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/conformance"
)

// recordCommand makes the recordings anew.
const recordCommand = "python3 internal/conformance/scenario.py record"

var update = flag.Bool("update", false, "write differences.json and DIFFERENCES.md anew")

// Every scenario comes out as it did with requests, but for the differences
// that it states, or differences.json does. The driver changes the environment
// of this process, so they are played one after another.
func TestScenarios(t *testing.T) {
	recordings, scenarios := loadRecordings(t), loadScenarios(t)
	certificates := newCertificates(t)
	list, err := conformance.LoadDifferences(os.DirFS("."), "differences.json")
	require.NoError(t, err)
	expected, err := conformance.Expected(list)
	require.NoError(t, err)
	differing := map[string][]string{}
	for _, s := range scenarios {
		t.Run(s.Label(), func(t *testing.T) {
			want, ok := recordings[s.File].Scenarios[s.Name]
			require.True(t, ok, "not recorded; run %s", recordCommand)
			found := differences(t, s, want, play(t, s, newDriver(t), certificates))
			if len(found) > 0 {
				differing[s.Label()] = found
			}
			if !*update {
				assert.Equal(t, expected[s.Label()], found, s.About)
			}
		})
	}
	if *update {
		writeDifferences(t, conformance.Updated(list, differing), scenarios)
	}
}

// The page says what the list says, and the list has scenarios that there are.
func TestDifferencesPage(t *testing.T) {
	t.Parallel()
	list, err := conformance.LoadDifferences(os.DirFS("."), "differences.json")
	require.NoError(t, err)
	scenarios := loadScenarios(t)
	page, err := os.ReadFile("DIFFERENCES.md")
	require.NoError(t, err)
	assert.Equal(t, conformance.DifferencesPage(list, scenarios), string(page), "run go test ./internal/conformance -update")
	labels := map[string]bool{}
	for _, s := range scenarios {
		labels[s.Label()] = true
	}
	stated, err := conformance.Expected(list)
	require.NoError(t, err)
	for label := range stated {
		assert.True(t, labels[label], "%s is no scenario", label)
	}
}

func writeDifferences(t *testing.T, list []conformance.Difference, scenarios []conformance.Scenario) {
	t.Helper()
	text, err := conformance.EncodeDifferences(list)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("differences.json", text, 0o644))
	require.NoError(t, os.WriteFile("DIFFERENCES.md", []byte(conformance.DifferencesPage(list, scenarios)), 0o644))
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

func differences(t *testing.T, s conformance.Scenario, want, got conformance.Observation) []string {
	t.Helper()
	found, err := conformance.Compare(s, want, got)
	require.NoError(t, err)
	return found
}
