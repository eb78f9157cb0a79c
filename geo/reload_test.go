package geo_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
)

// A database on disk may shrink, go or turn to nonsense under a running process.
func TestFilesBreakWhileServing(t *testing.T) {
	t.Parallel()
	good, err := fixtures.Geo.ReadFile(fixtures.GeoDatabases[0])
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		spoil func(path string) error
		want  string
	}{
		"truncated in place": {func(p string) error { return os.Truncate(p, 100) }, "invalid MaxMind DB file"},
		"emptied":            {func(p string) error { return os.Truncate(p, 0) }, "invalid MaxMind DB file"},
		"removed":            {os.Remove, "no such file"},
		"overwritten":        {func(p string) error { return os.WriteFile(p, []byte("<html>404</html>"), 0o600) }, "invalid MaxMind DB file"},
		"half overwritten": {func(p string) error {
			return os.WriteFile(p, append(slices.Clone(good[:len(good)/2]), good[:len(good)/2]...), 0o600)
		}, "invalid MaxMind DB file"},
		"too large": {func(p string) error { return os.Truncate(p, 1<<20) }, "is 1048576 bytes long; the limit is 65536"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "city.mmdb")
			if err := os.WriteFile(path, good, 0o600); err != nil {
				t.Fatal(err)
			}
			l := loaded(t, geo.Options{Databases: []string{path}, MaxBytes: 1 << 16})
			before, _ := l.Locate(addr("203.0.113.7"))
			if err := test.spoil(path); err != nil {
				t.Fatal(err)
			}
			for last := range 256 { // fresh addresses: straight from the database
				a := fmt.Sprintf("203.0.113.%d", last)
				if place, degraded := l.Locate(addr(a)); place != before || degraded != nil {
					t.Fatalf("%s is at %+v %q now", a, place, degraded)
				}
			}
			if err := l.Reload(); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("reload says %v, want %q", err, test.want)
			}
			place, degraded := l.Locate(addr("203.0.113.7"))
			if place != before || !slices.Equal(degraded, []string{geo.CodeFailed}) {
				t.Errorf("after the reload: %+v %q", place, degraded)
			}
			if s := l.Status()[0]; !s.Loaded || s.Err == nil || !s.Build.Equal(built) {
				t.Errorf("status %+v", s)
			}
			if err := os.WriteFile(path, good, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := l.Reload(); err != nil {
				t.Error(err)
			}
			if _, degraded := l.Locate(addr("203.0.113.7")); degraded != nil {
				t.Errorf("still %q when all is well", degraded)
			}
		})
	}
}

func TestReloadRefusesAnOlderBuild(t *testing.T) {
	t.Parallel()
	paris, london := "203.0.113.0/24,FR,Paris,48,2,20,", "203.0.113.0/24,GB,London,51,0,20,"
	files := fstest.MapFS{"a.mmdb": city(t, built, paris)}
	l := loaded(t, geo.Options{Files: files, Databases: []string{"a.mmdb"}})
	files["a.mmdb"] = city(t, built.Add(-time.Second), london)
	if err := l.Reload(); err == nil || !strings.Contains(err.Error(), "a.mmdb: was built 2026-02-28 23:59:59, before the loaded one of 2026-03-01 00:00:00") {
		t.Errorf("an older build gets %v", err)
	}
	if place, _ := l.Locate(addr("203.0.113.7")); place.City != "Paris" {
		t.Errorf("an older build answers: %+v", place)
	}
	files["a.mmdb"] = city(t, built, london)
	if err := l.Reload(); err != nil {
		t.Error(err)
	}
	if place, _ := l.Locate(addr("203.0.113.7")); place.City != "London" {
		t.Errorf("a build of the same time doesn't answer: %+v", place)
	}
}

// While files are swapped all answers come from one set of files, never from two,
// and after a swap none comes from the one before, cached or not.
func TestSwapUnderLoad(t *testing.T) {
	t.Parallel()
	version := func(n int) fstest.MapFS {
		at := built.Add(time.Duration(n) * time.Hour)
		return fstest.MapFS{
			"city.mmdb": city(t, at, fmt.Sprintf("203.0.113.0/24,FR,%d,%d,2,20,", n, n)),
			"asn.mmdb":  &fstest.MapFile{Data: systems(t, fmt.Sprintf("203.0.113.0/24,%d,%d", n, n))},
		}
	}
	files := version(1)
	l := loaded(t, geo.Options{Files: files, Databases: []string{"city.mmdb", "asn.mmdb"}})
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				p, degraded := l.Locate(addr(fmt.Sprintf("203.0.113.%d", i%256)))
				n := int(p.ASN)
				if p.City != fmt.Sprint(n) || p.Org != p.City || p.Lat != float64(n) || p.Build != built.Add(time.Duration(n)*time.Hour).Unix() || degraded != nil {
					t.Errorf("an answer of two minds: %+v %q", p, degraded)
					return
				}
			}
		})
	}
	for n := 2; n <= 40; n++ {
		for name, file := range version(n) {
			files[name] = file
		}
		if err := l.Reload(); err != nil {
			t.Error(err)
		}
		for i := range 256 {
			if p, _ := l.Locate(addr(fmt.Sprintf("203.0.113.%d", i))); p.ASN != uint32(n) {
				t.Errorf("after swap %d an answer of %d", n, p.ASN)
				break
			}
		}
	}
	close(stop)
	readers.Wait()
}

func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		files := &drive{files: fstest.MapFS{
			"a.mmdb": city(t, built, "203.0.113.0/24,FR,Paris,48,2,20,"), "l.txt": {Data: []byte("203.0.113.0/24")},
		}}
		l, err := geo.Open(geo.Options{
			Files: files, Databases: []string{"a.mmdb"}, Now: func() time.Time { return built.Add(time.Since(epoch)) },
			Lists: []geo.List{{Path: "l.txt", Kind: riskd.NetworkMobile}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		var mu sync.Mutex
		var seen []geo.Status
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- l.Watch(ctx, time.Minute, func(s geo.Status) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, s)
			})
		}()
		// after lets some time pass and gives what was reported in it.
		after := func(d time.Duration) []geo.Status {
			time.Sleep(d)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			got := seen
			seen = nil
			return got
		}
		if got := after(10 * time.Minute); got != nil {
			t.Errorf("nothing changed: %+v", got)
		}

		files.put("l.txt", &fstest.MapFile{Data: []byte("203.0.113.0/24 # VPN"), ModTime: built})
		if got := after(time.Minute); len(got) != 1 || got[0].Path != "l.txt" || got[0].Err != nil {
			t.Errorf("the list changed: %+v", got)
		}
		files.put("l.txt", &fstest.MapFile{Data: []byte("nonsense"), ModTime: built})
		if got := after(10 * time.Minute); len(got) != 1 || got[0].Err == nil || !got[0].Loaded {
			t.Errorf("the list broke, said once: %+v", got)
		}
		if place, degraded := l.Locate(addr("203.0.113.7")); place.Network != riskd.NetworkMobile || !slices.Equal(degraded, []string{geo.CodeFailed}) {
			t.Errorf("the list before doesn't answer: %+v %q", place, degraded)
		}
		files.put("l.txt", nil)
		if got := after(10 * time.Minute); len(got) != 1 || got[0].Err == nil {
			t.Errorf("the list went: %+v", got)
		}
		files.put("l.txt", &fstest.MapFile{Data: []byte("192.0.2.0/24")})
		if got := after(10 * time.Minute); len(got) != 1 || got[0].Err != nil {
			t.Errorf("the list came back: %+v", got)
		}
		if place, degraded := l.Locate(addr("203.0.113.7")); place.Network != riskd.NetworkUnknown || degraded != nil {
			t.Errorf("the new list doesn't answer: %+v %q", place, degraded)
		}

		if got := after(geo.MaxAge); len(got) != 1 || !got[0].Stale {
			t.Errorf("the database grew stale: %+v", got)
		}
		if _, degraded := l.Locate(addr("203.0.113.7")); !slices.Equal(degraded, []string{geo.CodeStale}) {
			t.Errorf("stale, but %q", degraded)
		}
		files.put("a.mmdb", city(t, built.Add(geo.MaxAge), "203.0.113.0/24,GB,London,51,0,20,"))
		if got := after(time.Minute); len(got) != 1 || got[0].Stale || !got[0].Build.Equal(built.Add(geo.MaxAge)) {
			t.Errorf("a new build: %+v", got)
		}
		if place, degraded := l.Locate(addr("203.0.113.7")); place.City != "London" || degraded != nil {
			t.Errorf("the new build doesn't answer: %+v %q", place, degraded)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := l.Watch(ctx, 0, nil); err == nil {
			t.Error("an interval of nothing is taken")
		}
	})
}

// drive is a file system that changes while it is read; a nil file is none.
type drive struct {
	mu    sync.Mutex
	files fstest.MapFS
}

func (d *drive) Open(name string) (fs.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files.Open(name)
}

func (d *drive) put(name string, file *fstest.MapFile) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] = file; file == nil {
		delete(d.files, name)
	}
}

// epoch is when the clock of a synctest bubble starts.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
