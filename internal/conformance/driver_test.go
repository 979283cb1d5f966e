package conformance_test

import (
	"testing"

	"github.com/cbf3e3a9/session/internal/conformance"
	"github.com/cbf3e3a9/session/internal/conformance/drive"
)

// newDriver returns a new driver around this library, closed when the test
// ends: the one place where the two are wired together.
func newDriver(t *testing.T) conformance.Driver {
	driver := drive.New()
	t.Cleanup(driver.Close)
	return driver
}
