package conformance_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cbf3e3a9/session/internal/conformance"
)

func TestDifferencesNeedAReasonAndStandOnce(t *testing.T) {
	t.Parallel()
	lines := map[string][]string{"f.json#s": {".steps[0]: 1; expected 2"}}
	_, err := conformance.Expected([]conformance.Difference{{Scenarios: lines}})
	require.EqualError(t, err, "f.json#s differs without a reason")
	_, err = conformance.Expected([]conformance.Difference{{Why: "a", Scenarios: lines}, {Why: "b", Scenarios: lines}})
	require.EqualError(t, err, "f.json#s is stated twice")
	expected, err := conformance.Expected([]conformance.Difference{{Why: "a", Scenarios: lines}})
	require.NoError(t, err)
	assert.Equal(t, lines, expected)
}

func TestUpdatedDifferencesKeepTheirReasons(t *testing.T) {
	t.Parallel()
	list := []conformance.Difference{
		{Why: "a", Scenarios: map[string][]string{"f#gone": {"old"}}},
		{Why: "b", Scenarios: map[string][]string{"f#stays": {"old"}, "f#gone too": {"old"}}},
	}
	assert.Equal(t, []conformance.Difference{
		{Why: "b", Scenarios: map[string][]string{"f#stays": {"new"}}},
		{Scenarios: map[string][]string{"f#added": {"new"}}},
	}, conformance.Updated(list, map[string][]string{"f#stays": {"new"}, "f#added": {"new"}}))
}

func TestDifferencesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	list := []conformance.Difference{{Why: "<&>", Scenarios: map[string][]string{"f#s": {`"é"`}}}}
	text, err := conformance.EncodeDifferences(list)
	require.NoError(t, err)
	read, err := conformance.LoadDifferences(fstest.MapFS{"d.json": {Data: text}}, "d.json")
	require.NoError(t, err)
	assert.Equal(t, list, read)
	_, err = conformance.LoadDifferences(fstest.MapFS{"d.json": {Data: []byte("[")}}, "d.json")
	require.ErrorContains(t, err, "d.json: ")
}
