package node

import (
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"unsafe"
)

// children are the processes that this one has started and waits for. As the first process of a container
// it also inherits those whose parents have ended, such as Erlang's port mapper, and must wait for these
// too, or they stay as zombies.
type children struct {
	mu    sync.RWMutex
	known map[int]bool
}

// start starts a command that somebody waits for.
func (c *children) start(cmd *exec.Cmd) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	if c.known == nil {
		c.known = map[int]bool{}
	}
	c.known[cmd.Process.Pid] = true
	return nil
}

// wait waits for a command that was started.
func (c *children) wait(cmd *exec.Cmd) error {
	err := cmd.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, cmd.Process.Pid)
	return err
}

// reap waits for inherited processes, whenever one ends.
func (c *children) reap() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	for range ended {
		for c.reapOne() {
		}
	}
}

// reapOne waits for one inherited process that has ended, if there is one.
func (c *children) reapOne() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	pid := ended()
	if pid <= 0 || c.known[pid] {
		return false
	}
	_, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
	return err == nil
}

// Linux's numbers for waitid.
const (
	pAll    = 0
	wExited = 0x00000004
	wNoWait = 0x01000000
)

// ended returns a child that has ended, without waiting for it; 0 if there is none.
func ended() int {
	var info struct {
		signo, errno, code int32
		_                  int32
		pid                int32
		_                  [108]byte
	}
	_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, pAll, 0, uintptr(unsafe.Pointer(&info)),
		syscall.WNOHANG|wExited|wNoWait, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(info.pid)
}
