// tests/bench/go/main.go - the microbenchmarks of tests/bench/runtime_bench.cc, in Go.
//
//	GOMAXPROCS=2 gobench NAME...     without names: lists them
//
// One line per figure: name, value, unit, separated by tabs. Names, counts and shapes are those of
// the C++ program; change both or neither.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func report(name string, value float64, unit string) {
	fmt.Printf("%s\t%.4g\t%s\n", name, value, unit)
}

type stopwatch struct{ start time.Time }

func startWatch() stopwatch { return stopwatch{time.Now()} }

func (w stopwatch) ns() float64 { return float64(time.Since(w.start).Nanoseconds()) }

func (w stopwatch) per(name string, operations int) { report(name, w.ns()/float64(operations), "ns") }

func (w stopwatch) ms(name string) { report(name, w.ns()/1e6, "ms") }

func require(isRight bool, what string) {
	if !isRight {
		fmt.Fprintln(os.Stderr, "gobench: wrong result:", what)
		os.Exit(1)
	}
}

func residentBytes() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	require(err == nil, "/proc/self/statm")
	var size, resident float64
	_, err = fmt.Sscan(string(text), &size, &resident)
	require(err == nil, "/proc/self/statm")
	return resident * float64(os.Getpagesize())
}

// Spawning and switching.

func spawn(name string, batch int) {
	const total = 1_000_000
	var group sync.WaitGroup
	body := func() { group.Done() }
	watch := startWatch()
	for i := 0; i < total; i += batch {
		group.Add(batch)
		for j := 0; j < batch; j++ {
			go body()
		}
		group.Wait()
	}
	watch.per(name, total)
}

// One child at a time, which is as long as what its spawner does beside it. Between two rounds the
// spawner computes alone, or sleeps.
func forkJoin(name string, half, alone, asleep time.Duration) {
	const rounds = 300
	ns := 0.0
	for i := 0; i < rounds; i++ {
		if asleep > 0 {
			time.Sleep(asleep)
		}
		computeFor(alone)
		watch := startWatch()
		var child sync.WaitGroup
		child.Add(1)
		go func() {
			computeFor(half)
			child.Done()
		}()
		computeFor(half)
		child.Wait()
		ns += watch.ns()
	}
	report(name, ns/rounds/1e3, "us")
}

func yielding(name string, goroutines int) {
	turns := 4_000_000 / goroutines
	var group sync.WaitGroup
	start := make(chan struct{})
	group.Add(goroutines)
	for g := 0; g < goroutines; g++ {
		go func() {
			defer group.Done()
			<-start
			for i := 0; i < turns; i++ {
				runtime.Gosched()
			}
		}()
	}
	watch := startWatch()
	close(start)
	group.Wait()
	watch.per(name, turns*goroutines)
}

// Channels.

func pingpong() {
	const rounds = 1_000_000
	there, back := make(chan int), make(chan int)
	go func() {
		for value := range there {
			back <- value
		}
	}()
	watch := startWatch()
	for i := 0; i < rounds; i++ {
		there <- i
		<-back
	}
	watch.per("pingpong", rounds)
	close(there)
}

func producersConsumers(name string, producers, consumers, total int) {
	ch := make(chan int, 128)
	var sending, receiving sync.WaitGroup
	var received atomic.Int64
	watch := startWatch()
	sending.Add(producers)
	for p := 0; p < producers; p++ {
		go func() {
			defer sending.Done()
			for i := 0; i < total/producers; i++ {
				ch <- i
			}
		}()
	}
	receiving.Add(consumers)
	for c := 0; c < consumers; c++ {
		go func() {
			defer receiving.Done()
			mine := int64(0)
			for range ch {
				mine++
			}
			received.Add(mine)
		}()
	}
	sending.Wait()
	close(ch)
	receiving.Wait()
	watch.per(name, total)
	require(received.Load() == int64(total), "values received")
}

func sameGoroutine() {
	const rounds = 10_000_000
	ch := make(chan int, 8)
	watch := startWatch()
	for i := 0; i < rounds; i++ {
		ch <- i
		<-ch
	}
	watch.per("chan_sendrecv_same_g", rounds)
}

// Select.

func selectOver(name string, k int) {
	const rounds = 1_000_000
	var ch [8]chan int
	for i := range ch {
		ch[i] = make(chan int)
	}
	go func() {
		for i := 0; i < rounds; i++ {
			ch[i%k] <- i
		}
	}()
	sum, value := 0, 0
	watch := startWatch()
	for i := 0; i < rounds; i++ {
		if k == 2 {
			select {
			case value = <-ch[0]:
			case value = <-ch[1]:
			}
		} else {
			select {
			case value = <-ch[0]:
			case value = <-ch[1]:
			case value = <-ch[2]:
			case value = <-ch[3]:
			case value = <-ch[4]:
			case value = <-ch[5]:
			case value = <-ch[6]:
			case value = <-ch[7]:
			}
		}
		sum += value
	}
	watch.per(name, rounds)
	require(sum == rounds*(rounds-1)/2, "sum over select")
}

func selectReady() {
	const rounds = 4_000_000
	a, b := make(chan int, 1), make(chan int, 1)
	a <- 1
	b <- 1
	watch := startWatch()
	for i := 0; i < rounds; i++ {
		select {
		case value := <-a:
			a <- value
		case value := <-b:
			b <- value
		}
	}
	watch.per("select2_ready", rounds)
}

func selectDefault() {
	const rounds = 100_000_000
	ch := make(chan int)
	received := 0
	watch := startWatch()
	for i := 0; i < rounds; i++ {
		select {
		case <-ch:
			received++
		default:
		}
	}
	watch.per("seldef", rounds)
	require(received == 0, "nothing was sent")
}

// Locks.

func locking(name string, goroutines int) {
	const total = 8_000_000
	var mutex sync.Mutex
	var group sync.WaitGroup
	counter := 0
	watch := startWatch()
	group.Add(goroutines)
	for g := 0; g < goroutines; g++ {
		go func() {
			defer group.Done()
			for i := 0; i < total/goroutines; i++ {
				mutex.Lock()
				counter++
				mutex.Unlock()
			}
		}()
	}
	group.Wait()
	watch.per(name, total)
	require(counter == total/goroutines*goroutines, "count under the mutex")
}

// Trees and chains.

func skynetNode(result chan<- int, number, size int) {
	if size == 1 {
		result <- number
		return
	}
	children := make(chan int)
	for i := 0; i < 10; i++ {
		go skynetNode(children, number+i*(size/10), size/10)
	}
	sum := 0
	for i := 0; i < 10; i++ {
		sum += <-children
	}
	result <- sum
}

func skynet() {
	result := make(chan int)
	watch := startWatch()
	go skynetNode(result, 0, 1_000_000)
	sum := <-result
	watch.ms("skynet1M")
	require(sum == 499_999_500_000, "skynet")
}

func sieve() {
	watch := startWatch()
	ch := make(chan int)
	go func(out chan<- int) {
		for i := 2; ; i++ {
			out <- i
		}
	}(ch)
	prime := 0
	for i := 0; i < 2_000; i++ {
		prime = <-ch
		next := make(chan int)
		go func(in <-chan int, out chan<- int, prime int) {
			for {
				if value := <-in; value%prime != 0 {
					out <- value
				}
			}
		}(ch, next, prime)
		ch = next
	}
	watch.ms("sieve2000")
	require(prime == 17_389, "2,000th prime")
}

func fibForkJoin(n int) int {
	if n < 2 {
		return n
	}
	var child sync.WaitGroup
	var a int
	child.Add(1)
	go func() {
		a = fibForkJoin(n - 1)
		child.Done()
	}()
	b := fibForkJoin(n - 2)
	child.Wait()
	return a + b
}

func fibByChannels(n int, result chan<- int) {
	if n < 2 {
		result <- n
		return
	}
	parts := make(chan int, 2)
	go fibByChannels(n-1, parts)
	go fibByChannels(n-2, parts)
	result <- <-parts + <-parts
}

func fib() {
	watch := startWatch()
	require(fibForkJoin(30) == 832_040, "fib(30)")
	watch.ms("fib30")
}

func fibAll() {
	watch := startWatch()
	result := make(chan int, 1)
	fibByChannels(30, result)
	require(<-result == 832_040, "fib(30)")
	watch.ms("fib30_all_chan")
}

func ring() {
	const goroutines, laps = 1_000, 1_000
	first := make(chan int)
	last := first
	for i := 0; i < goroutines-1; i++ {
		next := make(chan int)
		go func(in <-chan int, out chan<- int) {
			for value := range in {
				out <- value
			}
			close(out)
		}(last, next)
		last = next
	}
	watch := startWatch()
	for i := 0; i < laps; i++ {
		first <- i
		<-last
	}
	watch.per("ring1000_hop", goroutines*laps)
	close(first)
}

func skewedWork(i int) uint64 { // 1 to 20 rounds: a static split is badly balanced
	x := uint64(i) + 88_172_645_463_325_252
	for k := 0; k <= i>>19; k++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

func parallelFor(cells []uint64, low, high int) {
	var group sync.WaitGroup
	for high-low > 8_192 {
		middle, end := (low+high)/2, high
		group.Add(1)
		go func() {
			parallelFor(cells, middle, end)
			group.Done()
		}()
		high = middle
	}
	for i := low; i < high; i++ {
		cells[i] = skewedWork(i)
	}
	group.Wait()
}

func parallelFor10M() {
	cells := make([]uint64, 10_000_000)
	for i := range cells {
		cells[i] = 1
	}
	watch := startWatch()
	parallelFor(cells, 0, len(cells))
	watch.ms("pfor10M")
	require(cells[len(cells)-1] == skewedWork(len(cells)-1), "last cell")
}

// Populations.

func park(name string, n int) {
	gate := make(chan struct{})
	var up, gone atomic.Int64
	before := residentBytes()
	creation := startWatch()
	for i := 0; i < n; i++ {
		go func() {
			up.Add(1)
			<-gate
			gone.Add(1)
		}()
	}
	for up.Load() != int64(n) {
		runtime.Gosched()
	}
	time.Sleep(time.Millisecond)
	creation.per(name+"_create", n)
	report(name+"_rss", (residentBytes()-before)/float64(n), "B")
	waking := startWatch()
	close(gate)
	for gone.Load() != int64(n) {
		runtime.Gosched()
	}
	waking.per(name+"_wakeall", n)
}

func sleepers() {
	const count = 100_000
	var group sync.WaitGroup
	before := residentBytes()
	watch := startWatch()
	group.Add(count)
	for i := 0; i < count; i++ {
		go func() {
			time.Sleep(100 * time.Millisecond)
			group.Done()
		}()
	}
	created := watch.ns()
	group.Wait()
	report("sleep100k_wall", watch.ns()/1e6, "ms")
	report("sleep100k_create", created/1e6, "ms")
	report("sleep100k_rss", (residentBytes()-before)/count, "B")
}

func timers() {
	const count, pending = 2_000_000, 10_000
	spread := func(i int) time.Duration {
		return time.Hour + time.Duration(i*7919%pending)*time.Millisecond
	}
	watch := startWatch()
	for i := 0; i < count; i++ {
		time.NewTimer(time.Hour).Stop()
	}
	watch.per("timer_newstop", count)
	for i := 0; i < pending; i++ {
		time.AfterFunc(spread(i), func() {})
	}
	watch = startWatch()
	for i := 0; i < count; i++ {
		time.AfterFunc(spread(i), func() {}).Stop()
	}
	watch.per("timer_newstop_10k", count)
}

// Clients and server in one process, 64 bytes a message.
func echo() {
	const connections, message = 64, 64
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				room := make([]byte, message)
				for {
					if _, err := io.ReadFull(connection, room); err != nil {
						return
					}
					if _, err := connection.Write(room); err != nil {
						return
					}
				}
			}()
		}
	}()
	var answered atomic.Int64
	for i := 0; i < connections; i++ {
		connection, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			panic(err)
		}
		go func() {
			room := make([]byte, message)
			for {
				if _, err := connection.Write(room); err != nil {
					return
				}
				if _, err := io.ReadFull(connection, room); err != nil {
					return
				}
				answered.Add(1)
			}
		}()
	}
	time.Sleep(300 * time.Millisecond)
	before := answered.Load()
	watch := startWatch()
	time.Sleep(2 * time.Second)
	report("tcpecho64", float64(answered.Load()-before)*1e9/watch.ns(), "req/s")
}

func sleepLateness() {
	var late []float64
	for i := 0; i < 200; i++ {
		watch := startWatch()
		time.Sleep(time.Millisecond)
		late = append(late, watch.ns()/1e3-1_000)
	}
	sort.Float64s(late)
	report("sleep1ms_late_p50", late[100], "us")
	report("sleep1ms_late_p99", late[198], "us")
}

// Blocking calls and greedy goroutines.

type pipePair [2]int

func newPipe() *pipePair {
	var ends pipePair
	require(syscall.Pipe(ends[:]) == nil, "pipe")
	return &ends
}

func (p *pipePair) get() {
	var block [1]byte
	n, err := syscall.Read(p[0], block[:])
	require(err == nil && n == 1, "read")
}

func (p *pipePair) put() {
	n, err := syscall.Write(p[1], []byte{0})
	require(err == nil && n == 1, "write")
}

//go:noinline
func nothing() {}

func computeFor(duration time.Duration) (rounds float64) {
	for watch := startWatch(); watch.ns() < float64(duration.Nanoseconds()); rounds++ {
		for i := 0; i < 1_000; i++ {
			nothing()
		}
	}
	return rounds
}

func blockingReads() {
	alone := computeFor(300 * time.Millisecond)
	idle := newPipe()
	go idle.get()
	time.Sleep(10 * time.Millisecond)
	report("blockread_compute_progress", 100*computeFor(300*time.Millisecond)/alone, "%")
	idle.put()

	const rounds = 5_000
	there, back := newPipe(), newPipe()
	go func() {
		for i := 0; i < rounds; i++ {
			there.get()
			back.put()
		}
	}()
	watch := startWatch()
	for i := 0; i < rounds; i++ {
		there.put()
		back.get()
	}
	watch.per("blockread_pingpong", rounds)

	const calls = 1_000_000
	watch = startWatch()
	for i := 0; i < calls; i++ {
		syscall.Getppid()
	}
	watch.per("getppid_syscall", calls)
}

// How long a yield takes while another goroutine loops without a call. 1 P, always.
func starve() {
	runtime.GOMAXPROCS(1)
	var late []float64
	for i := 0; i < 30; i++ {
		var stop atomic.Bool
		go func() {
			for !stop.Load() {
			}
		}()
		watch := startWatch()
		runtime.Gosched()
		late = append(late, watch.ns()/1e6)
		stop.Store(true)
		time.Sleep(time.Millisecond)
	}
	sort.Float64s(late)
	report("starve_p50", late[15], "ms")
	report("starve_max", late[29], "ms")
}

// Of all threads, in the kernel as well.
func cpuNs() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return float64(used.Utime.Nano() + used.Stime.Nano())
}

// What a process costs that has nothing to do for 10 s: goroutines on channels, on a descriptor and
// on a timer.
func idle() {
	const wall = 10 * time.Second
	end := make(chan struct{})
	var parked sync.WaitGroup
	for i := 0; i < 1_000; i++ {
		parked.Add(1)
		go func() { <-end; parked.Done() }()
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	parked.Add(1)
	go func() {
		var one [1]byte
		reader.Read(one[:])
		parked.Done()
	}()
	time.Sleep(100 * time.Millisecond)
	before := cpuNs()
	time.Sleep(wall)
	report("idle_cpu", (cpuNs()-before)/float64(wall)*100, "%")
	close(end)
	writer.Write([]byte{'x'})
	parked.Wait()
}

var benchmarks = []struct {
	name string
	run  func()
}{
	{"spawn", func() { spawn("spawn_batch1000", 1_000); spawn("spawn_one", 1) }},
	{"forkjoin", func() {
		const us = time.Microsecond
		forkJoin("forkjoin50us", 50*us, 0, 0)
		forkJoin("forkjoin200us", 200*us, 0, 0)
		forkJoin("forkjoin200us_alone", 200*us, 200*us, 0)
		forkJoin("forkjoin200us_asleep", 200*us, 0, 5_000*us)
	}},
	{"yield", func() { yielding("yield1", 1); yielding("yield2", 2); yielding("yield1000", 1_000) }},
	{"pingpong", pingpong},
	{"spsc", func() { producersConsumers("spsc128", 1, 1, 5_000_000) }},
	{"mpmc", func() { producersConsumers("mpmc8x8_128", 8, 8, 4_000_000) }},
	{"select", func() {
		selectOver("select2", 2)
		selectOver("select8", 8)
		selectReady()
		selectDefault()
		sameGoroutine()
	}},
	{"mutex", func() { locking("mutex1", 1); locking("mutex8", 8) }},
	{"skynet", skynet},
	{"sieve", sieve},
	{"fib", fib},
	{"fiball", fibAll},
	{"ring", ring},
	{"pfor", parallelFor10M},
	{"park100k", func() { park("park100k", 100_000) }},
	{"park1m", func() { park("park1M", 1_000_000) }},
	{"sleepers", sleepers},
	{"timers", timers},
	{"lateness", sleepLateness},
	{"echo", echo},
	{"blocksys", blockingReads},
	{"starve", starve},
	{"idle", idle},
}

func main() {
	if len(os.Args) < 2 {
		for _, benchmark := range benchmarks {
			fmt.Println(benchmark.name)
		}
		return
	}
	for _, name := range os.Args[1:] {
		found := false
		for _, benchmark := range benchmarks {
			if benchmark.name == name {
				found = true
				benchmark.run()
			}
		}
		if !found {
			fmt.Fprintf(os.Stderr, "gobench: no benchmark %q\n", name)
			os.Exit(2)
		}
	}
}
