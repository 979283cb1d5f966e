// Command driver is this library behind the protocol of PROTOCOL.md: one JSON
// object a line on standard input, one a line on standard output.
package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/cbf3e3a9/session/internal/conformance/drive"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	driver := drive.New()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		if _, err := out.Write(append(driver.Handle(lines.Bytes()), '\n')); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return lines.Err()
}
