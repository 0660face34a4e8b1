// Runs the cases of h2spec against a server, or against a client that is started for each case, and prints one line for
// each: its result, its number, what it is about, and what went wrong.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/summerwind/h2spec/client"
	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// How long a client may need until it has connected.
const connectLimit = 20 * time.Second

func main() {
	c := &config.Config{Host: "127.0.0.1", Path: "/", MaxHeaderLen: 4000, Insecure: true}
	flag.IntVar(&c.Port, "port", 0, "port of the server")
	flag.BoolVar(&c.TLS, "tls", false, "speak TLS")
	flag.DurationVar(&c.Timeout, "timeout", 2*time.Second, "how long a case waits for what it expects")
	flag.Parse()
	// What h2spec itself says in colours is of no use here.
	out := os.Stdout
	os.Stdout, _ = os.Open(os.DevNull)
	if flag.NArg() > 0 {
		runClient(client.Spec(), c, flag.Args(), out)
		return
	}
	for _, group := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		group.Test(c)
		printServer(group, out)
	}
}

func printServer(group *spec.TestGroup, out *os.File) {
	for i, tc := range group.Tests {
		if tc.Result != nil {
			printCase(out, tc.Result.Error, group.ID(), i+1, tc.Desc)
		}
	}
	for _, g := range group.Groups {
		printServer(g, out)
	}
}

// Starts the command for each case, with the port of the case where it says PORT.
func runClient(group *spec.ClientTestGroup, c *config.Config, command []string, out *os.File) {
	for _, tc := range group.Tests {
		printCase(out, runClientCase(tc, c, command), group.ID(), tc.Seq, tc.Desc)
	}
	for _, g := range group.Groups {
		runClient(g, c, command, out)
	}
}

func runClientCase(tc *spec.ClientTestCase, c *config.Config, command []string) error {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(c.Host)})
	if err != nil {
		return err
	}
	defer listener.Close()
	port := fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	words := make([]string, len(command))
	for i, word := range command {
		words[i] = strings.ReplaceAll(word, "PORT", port)
	}
	cmd := exec.Command(words[0], words[1:]...)
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	listener.SetDeadline(time.Now().Add(connectLimit))
	socket, err := listener.Accept()
	if err != nil {
		return err
	}
	defer socket.Close()
	conn, err := spec.Accept(c, socket)
	if err != nil {
		return err
	}
	return tc.Run(c, conn)
}

func printCase(out *os.File, err error, group string, number int, what string) {
	switch err {
	case nil:
		fmt.Fprintf(out, "passed %s/%d %s\n", group, number, what)
	case spec.ErrSkipped:
		fmt.Fprintf(out, "skipped %s/%d %s\n", group, number, what)
	default:
		fmt.Fprintf(out, "failed %s/%d %s: %q\n", group, number, what, err.Error())
	}
}
