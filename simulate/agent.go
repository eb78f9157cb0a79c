package simulate

import (
	"strconv"
	"strings"
)

// agent is a browser on a kind of machine. The user agents have the form in which
// such browsers send them; {v} is the version that moves on with each release.
type agent struct {
	weight    float64 // among all agents, in the shape of counts of npm user-agents
	phone     bool
	version   int // current when the simulation begins
	tls       tlsStack
	platform  string
	userAgent string
}

// tlsStack is who shakes hands: browsers of one engine share one, and on iOS all do.
type tlsStack uint8

const (
	chromeTLS tlsStack = iota
	firefoxTLS
	safariTLS
	iosTLS
	samsungTLS
	goTLS // tools of attackers, from here on
	pythonTLS
	curlTLS
	tlsStacks
)

// What a stack's JA4 shows differs by the way it connects: over TCP, over QUIC, with
// security software that takes connections apart in between, and with a later release
// of the browser, which has the same ciphers and one extension more.
const (
	overTCP = iota
	overQUIC
	intercepted
	laterRelease
	tlsForms
)

// ja4s have the form of JA4 (protocol, numbers of ciphers and extensions, ALPN; hash of
// the ciphers; hash of the extensions). The hashes are made up.
var ja4s = func() (out [tlsStacks][tlsForms]string) {
	heads := [tlsStacks]string{"1516h2", "1715h2", "2014h2", "2013h2", "1515h2", "1310h2", "1812h1", "3010h2"}
	later := [tlsStacks]string{"1517h2", "1716h2", "2015h2", "2014h2", "1516h2", "1311h2", "1813h1", "3011h2"}
	digest := func(parts ...uint64) string { return strconv.FormatUint(hash(parts...)|1<<63, 16)[:12] }
	for s := range out {
		ciphers, extensions := digest(uint64(s), 1), digest(uint64(s), 2)
		out[s][overTCP] = "t13d" + heads[s] + "_" + ciphers + "_" + extensions
		out[s][overQUIC] = "q13d0312h3_" + digest(uint64(s), 3) + "_" + digest(uint64(s), 4)
		out[s][intercepted] = "t13d1911h2_" + digest(100) + "_" + digest(101)
		out[s][laterRelease] = "t13d" + later[s] + "_" + ciphers + "_" + digest(uint64(s), 5)
	}
	return out
}()

const (
	mac      = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
	windows  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
	linux    = "Mozilla/5.0 (X11; Linux x86_64) "
	androidK = "Mozilla/5.0 (Linux; Android 10; K) "
	blink    = "AppleWebKit/537.36 (KHTML, like Gecko) "
	webkit   = "AppleWebKit/605.1.15 (KHTML, like Gecko) "
)

func iphone(os string) string {
	return "Mozilla/5.0 (iPhone; CPU iPhone OS " + os + " like Mac OS X) " + webkit
}

func android(version, model string) string {
	return "Mozilla/5.0 (Linux; Android " + version + "; " + model + ") " + blink
}

var agents = [...]agent{
	{0.2650, false, 145, chromeTLS, "MacIntel", mac + blink + "Chrome/{v}.0.0.0 Safari/537.36"},
	{0.0190, false, 143, chromeTLS, "MacIntel", mac + blink + "Chrome/{v}.0.0.0 Safari/537.36"},
	{0.0190, false, 3, safariTLS, "MacIntel", mac + webkit + "Version/26.{v} Safari/605.1.15"},
	{0.0040, false, 1, safariTLS, "MacIntel", mac + webkit + "Version/18.{v} Safari/605.1.15"},
	{0.0024, false, 148, firefoxTLS, "MacIntel", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"},
	{0.0020, false, 145, chromeTLS, "MacIntel", mac + blink + "Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.0.0"},
	{0.0006, false, 128, chromeTLS, "MacIntel", mac + blink + "Chrome/144.0.0.0 Safari/537.36 OPR/{v}.0.0.0"},
	{0.0820, false, 145, chromeTLS, "Win32", windows + blink + "Chrome/{v}.0.0.0 Safari/537.36"},
	{0.0120, false, 142, chromeTLS, "Win32", windows + blink + "Chrome/{v}.0.0.0 Safari/537.36"},
	{0.0160, false, 145, chromeTLS, "Win32", windows + blink + "Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.0.0"},
	{0.0045, false, 148, firefoxTLS, "Win32", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"},
	{0.0012, false, 140, firefoxTLS, "Win32", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"},
	{0.0013, false, 128, chromeTLS, "Win32", windows + blink + "Chrome/144.0.0.0 Safari/537.36 OPR/{v}.0.0.0"},
	{0.0140, false, 145, chromeTLS, "Linux x86_64", linux + blink + "Chrome/{v}.0.0.0 Safari/537.36"},
	{0.0010, false, 148, firefoxTLS, "Linux x86_64", "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"},
	{0.0015, false, 145, chromeTLS, "Linux x86_64", "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + blink + "Chrome/{v}.0.0.0 Safari/537.36"},
	{0.1900, true, 3, iosTLS, "iPhone", iphone("18_7") + "Version/26.{v} Mobile/15E148 Safari/604.1"},
	{0.0550, true, 2, iosTLS, "iPhone", iphone("18_7") + "Version/26.{v} Mobile/15E148 Safari/604.1"},
	{0.0300, true, 5, iosTLS, "iPhone", iphone("18_6") + "Version/18.{v} Mobile/15E148 Safari/604.1"},
	{0.0100, true, 6, iosTLS, "iPhone", iphone("17_6") + "Version/17.{v} Mobile/15E148 Safari/604.1"},
	{0.0250, true, 145, iosTLS, "iPhone", iphone("18_7") + "CriOS/{v}.0.7632.34 Mobile/15E148 Safari/604.1"},
	{0.0100, true, 143, iosTLS, "iPhone", iphone("18_5") + "CriOS/{v}.0.7499.92 Mobile/15E148 Safari/604.1"},
	{0.0110, true, 402, iosTLS, "iPhone", iphone("18_7") + "GSA/{v}.1.845414 Mobile/15E148 Safari/604.1"},
	{0.0010, true, 148, iosTLS, "iPhone", iphone("18_7") + "FxiOS/{v}.0 Mobile/15E148 Safari/605.1.15"},
	{0.0004, true, 145, iosTLS, "iPhone", iphone("18_7") + "EdgiOS/{v}.0.3800.58 Version/18.0 Mobile/15E148 Safari/604.1"},
	{0.0900, true, 145, chromeTLS, "Linux armv81", androidK + blink + "Chrome/{v}.0.0.0 Mobile Safari/537.36"},
	{0.0250, true, 144, chromeTLS, "Linux armv81", android("15", "SM-S931B") + "Chrome/{v}.0.0.0 Mobile Safari/537.36"},
	{0.0220, true, 144, chromeTLS, "Linux armv81", android("14", "SM-A546B") + "Chrome/{v}.0.0.0 Mobile Safari/537.36"},
	{0.0210, true, 145, chromeTLS, "Linux armv81", android("16", "Pixel 8") + "Chrome/{v}.0.0.0 Mobile Safari/537.36"},
	{0.0150, true, 143, chromeTLS, "Linux armv81", android("15", "2312DRA50G") + "Chrome/{v}.0.0.0 Mobile Safari/537.36"},
	{0.0150, true, 141, chromeTLS, "Linux armv81", android("13", "CPH2449") + "Chrome/{v}.0.0.0 Mobile Safari/537.36"},
	{0.0120, true, 145, chromeTLS, "Linux armv81", android("14", "moto g84 5G") + "Chrome/{v}.0.0.0 Mobile Safari/537.36"},
	{0.0044, true, 29, samsungTLS, "Linux armv81", androidK + blink + "SamsungBrowser/{v}.0 Chrome/136.0.0.0 Mobile Safari/537.36"},
	{0.0011, true, 148, firefoxTLS, "Linux armv81", "Mozilla/5.0 (Android 15; Mobile; rv:{v}.0) Gecko/{v}.0 Firefox/{v}.0"},
	{0.0015, true, 144, chromeTLS, "Linux armv81", androidK + blink + "Chrome/{v}.0.0.0 Mobile Safari/537.36 EdgA/{v}.0.0.0"},
}

func (a *agent) at(releases int) string {
	return strings.ReplaceAll(a.userAgent, "{v}", strconv.Itoa(a.version+releases))
}

// drawAgent draws a browser for a telephone or for a computer.
func drawAgent(d *dice, phone bool) uint8 {
	x := d.float() * agentWeights[phone]
	last := uint8(0)
	for i := range agents {
		if agents[i].phone != phone {
			continue
		}
		last = uint8(i)
		if x -= agents[i].weight; x < 0 {
			break
		}
	}
	return last
}

var agentWeights = func() map[bool]float64 {
	sums := map[bool]float64{}
	for i := range agents {
		sums[agents[i].phone] += agents[i].weight
	}
	return sums
}()

// screens and processors are what pages see of machines, the commonest first.
var (
	screens = map[bool][]string{
		true:  {"390x844", "402x874", "393x852", "412x915", "360x800", "414x896", "430x932", "440x956", "384x832", "375x812"},
		false: {"1920x1080", "1440x900", "1536x864", "2560x1440", "1512x982", "1366x768", "1470x956", "1728x1117", "1280x720", "3840x2160"},
	}
	processors = map[string][]string{
		"MacIntel":     {"Apple M1", "Apple M2", "Apple M3", "Apple M4", "Intel Iris Plus 645", "AMD Radeon Pro 5300M"},
		"Win32":        {"Intel UHD 620", "Intel Iris Xe", "NVIDIA GeForce RTX 3060", "AMD Radeon", "Intel UHD 770", "NVIDIA GeForce GTX 1650"},
		"Linux x86_64": {"Mesa Intel UHD 620", "Mesa Intel Xe", "AMD Radeon (RADV)", "NVIDIA T500", "llvmpipe", "Mesa Intel HD 520"},
		"iPhone":       {"Apple GPU"},
		"Linux armv81": {"Adreno 740", "Mali-G78", "Adreno 619", "Mali-G68", "Adreno 830", "Mali-G715"},
	}
)
