package process

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// AnyCore leaves a process on whatever core the kernel likes.
const AnyCore = -1

// Cores are the cores that this process may use.
func Cores() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("cores: %w", err)
	}
	var cores []int
	for i := 0; len(cores) < set.Count(); i++ {
		if set.IsSet(i) {
			cores = append(cores, i)
		}
	}
	return cores, nil
}

// onCore calls start on a thread that has only one core: a process started
// there inherits that, and the Go runtime in it sets GOMAXPROCS to 1.
func onCore(core int, start func() error) error {
	if core == AnyCore {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	if err := unix.SchedSetaffinity(0, only(core)); err != nil {
		return err
	}
	err := start()
	if back := unix.SchedSetaffinity(0, &before); err == nil {
		err = back
	}
	return err
}

// PinSelf keeps this process on one core: every thread that it has, from which
// later ones inherit it. Processes started afterwards without a core of their
// own are kept there, too.
func PinSelf(core int) error {
	runtime.GOMAXPROCS(1)
	// A thread may have been born, still unpinned, while the first round ran.
	for range 2 {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("pin: %w", err)
		}
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				continue
			}
			if err := unix.SchedSetaffinity(id, only(core)); err != nil && err != unix.ESRCH {
				return fmt.Errorf("pin: core %d: %w", core, err)
			}
		}
	}
	return nil
}

func only(core int) *unix.CPUSet {
	var set unix.CPUSet
	set.Set(core)
	return &set
}
