package conformance_test

import (
	"testing"

	"github.com/cbf3e3a9/session/internal/conformance"
)

// newDriver returns a new driver around this library: the one place where the
// two are wired together.
func newDriver(t *testing.T) conformance.Driver {
	t.Skip("no driver is wired in yet")
	return nil
}
