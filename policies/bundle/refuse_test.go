package bundle_test

import (
	"archive/tar"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	opa "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/riskd/riskd/policies/bundle"
)

// TestHostileBundlesAreRefused builds each kind of bundle that must not get in
// where a key is configured.
func TestHostileBundlesAreRefused(t *testing.T) {
	t.Parallel()
	k := bundle.Key{Text: keys().private, ID: "ci", Scope: "prod"}
	good := signed(t, built(t), k, noon)
	edit := func(change func(list []entry) []entry) []byte { return tarball(t, change(entries(t, good))) }
	add := func(e entry) []byte { return edit(func(l []entry) []entry { return append(l, e) }) }
	replace := func(name, from, to string) []byte {
		return edit(func(l []entry) []entry {
			i := slices.IndexFunc(l, func(e entry) bool { return e.Name == name })
			if !strings.Contains(l[i].data, from) {
				t.Fatalf("%s has no %q", name, from)
			}
			l[i].data = strings.Replace(l[i].data, from, to, 1)
			return l
		})
	}
	hs256 := func(text string) []byte {
		h := hmac.New(sha256.New, keys().public)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	nothing := func(string) []byte { return nil }
	changed := slices.Clone(good)
	changed[len(changed)/2] ^= 1

	for name, c := range map[string]struct {
		tarball []byte
		want    string
	}{
		"unsigned":              {built(t), "isn't signed"},
		"wrong key":             {signed(t, built(t), bundle.Key{Text: keys().other, ID: "ci", Scope: "prod"}, noon), "not signed by the configured key"},
		"wrong algorithm":       {signed(t, built(t), bundle.Key{Text: keys().private, Algorithm: "RS512", ID: "ci", Scope: "prod"}, noon), `algorithm is "RS512", and the key is for RS256`},
		"another kind of key":   {signed(t, built(t), bundle.Key{Text: keys().ec, ID: "ci", Scope: "prod"}, noon), `algorithm is "ES256"`},
		"algorithm none":        {forged(t, good, map[string]any{"alg": "none", "kid": "ci"}, nothing), `algorithm is "none"`},
		"no signature":          {forged(t, good, map[string]any{"alg": "RS256", "kid": "ci"}, nothing), "not signed by the configured key"},
		"public key as secret":  {forged(t, good, map[string]any{"alg": "HS256", "kid": "ci"}, hs256), `algorithm is "HS256"`},
		"secret said to be RSA": {forged(t, good, map[string]any{"alg": "RS256", "kid": "ci"}, hs256), "not signed by the configured key"},
		"critical header":       {forged(t, good, map[string]any{"alg": "RS256", "kid": "ci", "crit": []string{"b64"}}, hs256), "b64"},
		"other key id":          {signed(t, built(t), bundle.Key{Text: keys().private, ID: "dev", Scope: "prod"}, noon), `key is "dev"`},
		"no key id":             {signed(t, built(t), bundle.Key{Text: keys().private, Scope: "prod"}, noon), `key is ""`},
		"other scope":           {signed(t, built(t), bundle.Key{Text: keys().private, ID: "ci", Scope: "test"}, noon), `scope is "test"`},
		"two signatures":        {replace(".signatures.json", `["`, `["x","`), "2 signatures"},
		"plugin":                {replace(".signatures.json", `{`, `{"plugin":"mine",`), `plugin "mine"`},
		"delta":                 {tarball(t, []entry{plainFile("patch.json", `{"data":[{"op":"upsert","path":"/tuning/score/revoke_nats","value":1}]}`)}), "is a delta"},
		"delta within":          {add(plainFile("patch.json", `{"data":[]}`)), "is a delta"},
		"extra file":            {add(plainFile("more.rego", "package riskd.rules\n")), "holds more.rego, which the signature isn't over"},
		"missing file": {edit(func(l []entry) []entry {
			return slices.DeleteFunc(l, func(e entry) bool { return e.Name == "policy_test.rego" })
		}), "lacks what the signature is over: policy_test.rego"},
		"changed rule":          {replace("policy.rego", `"revoke"`, `"allow"`), "policy.rego: digest mismatch"},
		"changed number":        {replace("tuning/data.json", `14`, `15`), "tuning/data.json: digest mismatch"},
		"changed manifest":      {replace(".manifest", `r1`, `r2`), ".manifest: digest mismatch"},
		"a name twice":          {replace("tuning/data.json", `{`, `{"score": {},`), "no strict JSON object"},
		"changed byte":          {changed, "bundle "},
		"the file twice":        {add(plainFile("policy.rego", "package riskd.decision\n")), "policy.rego is there twice"},
		"twice by another path": {add(plainFile("./policy.rego", "package riskd.decision\n")), "policy.rego is there twice"},
		"path escape":           {add(plainFile("../policy.rego", "")), "no path within a bundle"},
		"path escape within":    {add(plainFile("a/../../policy.rego", "")), "no path within a bundle"},
		"absolute path":         {add(plainFile("//etc/passwd", "")), "no path within a bundle"},
		"path of Windows":       {add(plainFile(`C:\policy.rego`, "")), "no path within a bundle"},
		"symlink":               {add(entry{tar.Header{Name: "more.rego", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, ""}), "no plain file"},
		"hard link":             {add(entry{tar.Header{Name: "more.rego", Typeflag: tar.TypeLink, Linkname: "policy.rego"}, ""}), "no plain file"},
		"device":                {add(entry{tar.Header{Name: "more.rego", Typeflag: tar.TypeChar}, ""}), "no plain file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := bundle.Read(c.tarball, verifier(t, bundle.Key{Text: keys().public, ID: "ci", Scope: "prod"}))
			if b != nil {
				t.Errorf("gives a bundle, with error %v", err)
			}
			wantError(t, err, c.want)
		})
	}
	if _, err := bundle.Read(good, verifier(t, bundle.Key{Text: keys().public, ID: "ci", Scope: "prod"})); err != nil {
		t.Errorf("the bundle that they were all made from: %v", err)
	}
}

// TestEveryByteCounts changes one byte after the other of a signed bundle: what
// gets through must say the same.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	good := signed(t, built(t), bundle.Key{Text: keys().ec}, noon)
	v := verifier(t, bundle.Key{Text: keys().ecPublic})
	want, err := bundle.Read(good, v)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 0x10
		if b, err := bundle.Read(bad, v); err == nil && b.Files.Sum() != want.Files.Sum() {
			t.Errorf("byte %d of %d changed: another pack gets in", i, len(good))
		}
	}
}

func TestOddBundlesAreRefused(t *testing.T) {
	t.Parallel()
	manifest := plainFile(".manifest", `{"revision":"r","roots":[""],"rego_version":1}`)
	policy, tuning := plainFile("policy.rego", "package riskd.decision\n"), plainFile("data.json", `{"tuning":{"score":{}}}`)
	many := make([]entry, bundle.MaxFiles+1)
	for i := range many {
		many[i] = plainFile("r"+strings.Repeat("x", i%90)+string(rune('a'+i/90))+".rego", "")
	}
	for name, c := range map[string]struct {
		tarball []byte
		want    string
	}{
		"no gzip":         {[]byte("PK\x03\x04"), "no gzip tarball"},
		"cut off":         {built(t)[:700], "can't be unpacked"},
		"too large":       {make([]byte, bundle.MaxCompressed+1), "larger than"},
		"bomb":            {tarball(t, []entry{plainFile("policy.rego", strings.Repeat(" ", bundle.MaxSize+bundle.MaxFiles*1024))}), "larger than 16777216 bytes unpacked"},
		"many files":      {tarball(t, many), "more than 512 files"},
		"long path":       {tarball(t, []entry{plainFile(strings.Repeat("a/", 101)+"policy.rego", "")}), "no path within"},
		"no policy":       {tarball(t, []entry{manifest, tuning}), "holds no policy.rego"},
		"two packs":       {tarball(t, []entry{plainFile("a/policy.rego", ""), plainFile("b/policy.rego", ""), tuning}), "a/policy.rego and b/policy.rego"},
		"no tuning":       {tarball(t, []entry{policy, plainFile("data.json", "{}")}), "`opa build -b` leaves tuning.json out"},
		"two tunings":     {tarball(t, []entry{policy, tuning, plainFile("tuning.json", "{}")}), "another tuning"},
		"more data":       {tarball(t, []entry{policy, plainFile("data.json", `{"tuning":{},"roles":{}}`)}), "data beside tuning in data.json, which no pack has: roles"},
		"data elsewhere":  {tarball(t, []entry{policy, tuning, plainFile("roles/data.json", `{}`)}), "holds roles/data.json, which is no part of a pack"},
		"wasm":            {tarball(t, []entry{policy, tuning, plainFile("policy.wasm", "")}), "holds policy.wasm"},
		"old Rego":        {tarball(t, []entry{policy, tuning, plainFile(".manifest", `{"revision":"r","rego_version":0}`)}), "Rego version 0"},
		"old Rego file":   {tarball(t, []entry{policy, tuning, plainFile(".manifest", `{"revision":"r","file_rego_versions":{"/policy.rego":0}}`)}), "/policy.rego in Rego version 0"},
		"odd revision":    {tarball(t, []entry{policy, tuning, plainFile(".manifest", `{"revision":"a\nb"}`)}), "plain text"},
		"broken manifest": {tarball(t, []entry{policy, tuning, plainFile(".manifest", `{"revision":`)}), "no strict JSON object"},
		"outside":         {tarball(t, []entry{plainFile("pack/policy.rego", ""), tuning, plainFile("evil.rego", "")}), "evil.rego, which lies outside"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bundle.Read(c.tarball, nil)
			wantError(t, err, c.want)
		})
	}
}

func TestHistoryKeepsOldBundlesOut(t *testing.T) {
	t.Parallel()
	v := verifier(t, bundle.Key{Text: keys().ecPublic})
	read := func(content string, at time.Time) *bundle.Bundle {
		files := defaultPack(t)
		files["more.rego"] = []byte("package riskd.rules\n# " + content + "\n")
		tarball, err := bundle.Build(files, "default", "")
		if err != nil {
			t.Fatal(err)
		}
		b, err := bundle.Read(signed(t, tarball, bundle.Key{Text: keys().ec}, at), v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	undated := func(content string) *bundle.Bundle {
		b := read(content, noon)
		b.Signature.IssuedAt = time.Time{}
		return b
	}
	now := noon.Add(time.Hour)
	for name, c := range map[string]struct {
		accepted []*bundle.Bundle
		then     *bundle.Bundle
		want     string
	}{
		"the first":          {then: read("a", noon)},
		"a newer one":        {[]*bundle.Bundle{read("a", noon)}, read("b", noon.Add(time.Second)), ""},
		"the same again":     {[]*bundle.Bundle{read("a", noon)}, read("a", noon), ""},
		"an older one":       {[]*bundle.Bundle{read("b", noon.Add(time.Second))}, read("a", noon), "rolled back: it was signed at 2026-03-02T12:00:00Z, and one of 2026-03-02T12:00:01Z"},
		"the one before":     {[]*bundle.Bundle{read("a", noon), read("b", noon)}, read("a", noon), "rolled back: it was in force before"},
		"signed anew":        {[]*bundle.Bundle{read("a", noon), read("b", noon)}, read("a", noon.Add(time.Second)), ""},
		"undated, first":     {then: undated("a")},
		"undated, another":   {[]*bundle.Bundle{undated("a")}, undated("b"), ""},
		"undated, before":    {[]*bundle.Bundle{undated("a"), undated("b")}, undated("a"), "rolled back: it was in force before"},
		"undated after date": {[]*bundle.Bundle{read("a", noon)}, undated("b"), "doesn't say when it was signed"},
		"dated after none":   {[]*bundle.Bundle{undated("a")}, read("b", noon), ""},
		"from the future":    {then: read("a", now.Add(time.Hour)), want: "still to come"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := t.TempDir() + "/policy/history.json"
			for _, kept := range []string{"", file} {
				h, err := bundle.OpenHistory(kept)
				if err != nil {
					t.Fatal(err)
				}
				for _, b := range c.accepted {
					if err := h.Check(b, now); err != nil {
						t.Fatal(err)
					}
					if err := h.Accept(b); err != nil {
						t.Fatal(err)
					}
				}
				if kept != "" { // and through a restart
					if h, err = bundle.OpenHistory(kept); err != nil {
						t.Fatal(err)
					}
				}
				if err = h.Check(c.then, now); c.want == "" && err != nil {
					t.Errorf("refused: %v", err)
				} else if c.want != "" {
					wantError(t, err, c.want)
				}
			}
		})
	}
}

// TestRollbackIsNotHiddenBySpaces: OPA's signature is over what a document says,
// so that anybody can change how it is written.
func TestRollbackIsNotHiddenBySpaces(t *testing.T) {
	t.Parallel()
	v := verifier(t, bundle.Key{Text: keys().ecPublic})
	good := signed(t, built(t), bundle.Key{Text: keys().ec}, noon)
	list := entries(t, good)
	for i := range list {
		if opa.IsStructuredDoc(list[i].Name) {
			list[i].data += "\n"
		}
	}
	a, err := bundle.Read(good, v)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Read(tarball(t, list), v)
	if err != nil {
		t.Fatal(err)
	}
	if a.Digest != b.Digest || a.Digest == "" {
		t.Errorf("digests %q and %q", a.Digest, b.Digest)
	}
}

// FuzzRead: whatever is read under the key is the pack that was signed.
func FuzzRead(f *testing.F) {
	good := signed(f, built(f), bundle.Key{Text: keys().ec}, noon)
	v := verifier(f, bundle.Key{Text: keys().ecPublic})
	want, err := bundle.Read(good, v)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(built(f))
	f.Add(tarball(f, []entry{plainFile("policy.rego", ""), plainFile("data.json", `{"tuning":{}}`), plainFile(".manifest", `{"revision":""}`)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := bundle.Read(data, v); err == nil && b.Files.Sum() != want.Files.Sum() {
			t.Error("another pack gets in")
		}
		if b, err := bundle.Read(data, nil); err == nil {
			if _, err := b.Files.FS(); err != nil {
				t.Errorf("what is read can't be held: %v", err)
			}
		}
	})
}
