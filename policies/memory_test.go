package policies_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
)

// What a pack could fill the memory with, asked again and again: the answer comes,
// the heap stays within a bound meanwhile, and afterwards everything is as before,
// evaluators too.
func TestMemoryBombs(t *testing.T) {
	const mib = 1 << 20
	long := strings.Repeat("x", 60<<10)
	list := "hundred := [x | some x in split(\"" + hundred + "\", \"\")]\nlong := \"" + long + "\"\n"
	for name, body := range map[string]string{
		"replace":              `count(replace(long, "x", long)) > 1`,
		"replace_n":            `count(strings.replace_n({"x": long}, long)) > 1`,
		"regex.replace":        `count(regex.replace(long, "x", long)) > 1`,
		"regex.replace by $0":  `count(regex.replace(long, "x+", concat("", ["$0" | some _ in hundred; some _ in hundred]))) > 1`,
		"separator":            `count(concat(long, split(long, ""))) > 1`,
		"text times a hundred": `a := concat("", [input.client.user_agent | some _ in hundred]); b := concat("", [a | some _ in hundred]); c := concat("", [b | some _ in hundred]); count(c) > 1`,
		"sprintf":              `count(sprintf(concat("", ["%[1]s" | some _ in hundred; some _ in hundred]), [long])) > 1`,
		"sprintf width":        `count(sprintf("%999999d%999999d%999999d", [1, 2, 3])) > 1`,
		"array doubled":        doubled("array.concat(%, %)", "hundred", 24),
		"number squared":       doubled("% * %", "12345678901234567890", 24),
		"all combinations":     `count({[a, b, c, d] | some a, _ in hundred; some b, _ in hundred; some c, _ in hundred; some d, _ in hundred}) > 1`,
		"texts that are kept":  `count([s | some a in hundred; some b in hundred; some c in hundred; s := concat("", [long, a, b, c, input.client.user_agent])]) > 1`,
		"recursion by data":    `walk({"a": [input, input, [hundred, hundred, hundred]], "b": [hundred | some _ in hundred; some _ in hundred]}, [path, value]); count(path) > 100; value == 1`,
	} {
		t.Run(name, func(t *testing.T) { // not in parallel: they measure the process
			pack := compile(t, "decision := \"allow\" if input.request.route == \"/\"\ndecision := \"revoke\" if {\n\tinput.request.route == \"/hostile\"\n\t"+
				strings.ReplaceAll(body, "; ", "\n\t")+"\n}\n"+list+`
decision := "allow" if not input.request.route`, "")
			c := routed("/hostile")
			c.Event.Client.UserAgent = strings.Repeat("x", riskd.MaxText)
			runtime.GC()
			before, goroutines := heap(), runtime.NumGoroutine()
			most := uint64(0)
			for range 8 {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				_, err := pack.Judge(ctx, c)
				cancel()
				if err == nil {
					t.Fatal("it is answered: the test shows nothing")
				}
				most = max(most, heap())
			}
			if most > before+256*mib {
				t.Errorf("the heap grew from %d to %d MiB", before/mib, most/mib)
			}
			recovers(t, pack)
			// Those that came back late have gone, and so will the others when idle.
			if n, limit := runtime.NumGoroutine(), goroutines+runtime.GOMAXPROCS(0)+3; n > limit {
				t.Errorf("%d goroutines, %d before", n, goroutines)
			}
			runtime.GC()
			if after := heap(); after > before+16*mib {
				t.Errorf("%d MiB stay behind", (after-before)/mib)
			}
		})
	}
}

// doubled is a chain of steps of which each takes the one before twice.
func doubled(step, start string, times int) string {
	text := []string{"v0 := " + start}
	for i := range times {
		before, after := "v"+string(rune('a'+i)), "v"+string(rune('b'+i))
		if i == 0 {
			text[0] = "va := " + start
		}
		text = append(text, after+" := "+strings.ReplaceAll(step, "%", before))
	}
	return strings.Join(append(text, "v"+string(rune('a'+times))+" != 1"), "; ")
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// recovers waits until a pack answers again.
func recovers(t *testing.T, pack *policies.Pack) {
	t.Helper()
	for {
		j, err := pack.Judge(t.Context(), routed("/"))
		var e *policies.Error
		if errors.As(err, &e) && e.Code == policies.CodeBusy {
			runtime.Gosched() // as long as evaluators are on their way back
			continue
		}
		if err != nil || j.Outcome != riskd.Allow {
			t.Errorf("afterwards: %v, %v", j, err)
		}
		return
	}
}
