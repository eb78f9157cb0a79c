package signals

import "testing"

func TestPacked(t *testing.T) {
	t.Parallel()
	var p packed
	for _, c := range []struct{ count, width int }{{3, 2}, {1023, 10}, {-5, 4}, {99, 4}, {1<<26 - 1, 26}} {
		p.put(c.count, uint(c.width))
	}
	got := unpack(p.float())
	for i, c := range []struct{ want, width int }{{3, 2}, {1023, 10}, {0, 4}, {15, 4}, {1<<26 - 1, 26}, {0, 6}} {
		if v := got.take(uint(c.width)); v != c.want {
			t.Errorf("count %d is %d, want %d", i, v, c.want)
		}
	}
}

func TestFNVKeepsBorders(t *testing.T) {
	t.Parallel()
	if fnv("ab", "c") == fnv("a", "bc") || fnv("a") == fnv("a", "") {
		t.Error("different parts have one mark")
	}
}
