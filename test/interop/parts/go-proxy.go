// A proxy that takes CONNECT over cleartext HTTP/2 and ends its handler as soon as the target has ended.
package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Addr: os.Args[1], Handler: http.HandlerFunc(tunnel), Protocols: protocols}
	log.Fatal(server.ListenAndServe())
}

func tunnel(answer http.ResponseWriter, request *http.Request) {
	target, err := net.Dial("tcp", request.Host)
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadGateway)
		return
	}
	defer target.Close()
	controller := http.NewResponseController(answer)
	answer.WriteHeader(http.StatusOK)
	controller.Flush()
	go func() {
		io.Copy(target, request.Body)
		target.(*net.TCPConn).CloseWrite()
	}()
	buffer := make([]byte, 32*1024)
	for {
		count, err := target.Read(buffer)
		answer.Write(buffer[:count])
		controller.Flush()
		if err != nil {
			return
		}
	}
}
