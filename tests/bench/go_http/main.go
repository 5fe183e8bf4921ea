// tests/bench/go_http/main.go - the HTTP client of `make bench-http`, in Go.
//
//	httpbench URL COUNT CONNECTIONS
//
// Fetches URL so many times by so many goroutines, each with one request at a time, and reads every
// body to its end. Prints the seconds that took.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	url := os.Args[1]
	count, _ := strconv.ParseInt(os.Args[2], 10, 64)
	connections, _ := strconv.Atoi(os.Args[3])
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: connections, DisableCompression: true,
	}
	client := &http.Client{Transport: transport}
	var next, bytes atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for i := 0; i < connections; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for next.Add(1) <= count {
				answer, err := client.Get(url)
				if err != nil || answer.StatusCode != 200 {
					fmt.Fprintln(os.Stderr, "httpbench: no answer:", err)
					os.Exit(1)
				}
				body, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if err != nil {
					fmt.Fprintln(os.Stderr, "httpbench:", err)
					os.Exit(1)
				}
				bytes.Add(int64(len(body)))
			}
		}()
	}
	group.Wait()
	fmt.Println(time.Since(start).Seconds())
}
