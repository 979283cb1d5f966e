module github.com/cbf3e3a9/session/internal/bench

go 1.25.0

replace github.com/cbf3e3a9/session => ../..

require (
	github.com/cbf3e3a9/session v0.0.0-00010101000000-000000000000
	github.com/go-resty/resty/v2 v2.17.2
	github.com/hashicorp/go-retryablehttp v0.7.8
	golang.org/x/net v0.58.0
	resty.dev/v3 v3.0.0-rc.4
)

require (
	github.com/andybalholm/brotli v1.2.8 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/text v0.41.0 // indirect
)
