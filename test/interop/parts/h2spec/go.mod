module tunl/h2spec

go 1.24

require (
	github.com/summerwind/h2spec v2.2.1+incompatible
	golang.org/x/net v0.38.0 // indirect
)

require github.com/fatih/color v1.18.0 // indirect

require (
	github.com/mattn/go-colorable v0.1.13 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	golang.org/x/sys v0.31.0 // indirect
	golang.org/x/text v0.23.0 // indirect
)
