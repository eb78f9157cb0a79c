package simulate

// country is one of the thirty that people live in: real names and places, roughly,
// since distances between them matter, and one time zone each, without summer time.
type country struct {
	code     string // ISO 3166-1 alpha-2
	language string // as browsers send it
	zone     string // as browsers know it
	offset   int    // minutes from UTC
	cities   [citiesPerCountry]city
}

type city struct {
	name     string
	lat, lon float64
}

const citiesPerCountry = 4

// countries are in the order of how many users live there: 70 % in the first, the
// rest by Zipf's law (detection.md §4.2; which is which is assumed).
var countries = [...]country{
	{"DE", "de-DE,de;q=0.9,en;q=0.8", "Europe/Berlin", 60, [4]city{{"Berlin", 52.52, 13.40}, {"Hamburg", 53.55, 9.99}, {"Munich", 48.14, 11.58}, {"Cologne", 50.94, 6.96}}},
	{"US", "en-US,en;q=0.9", "America/New_York", -300, [4]city{{"New York", 40.71, -74.01}, {"Boston", 42.36, -71.06}, {"Atlanta", 33.75, -84.39}, {"Miami", 25.76, -80.19}}},
	{"FR", "fr-FR,fr;q=0.9,en;q=0.7", "Europe/Paris", 60, [4]city{{"Paris", 48.86, 2.35}, {"Lyon", 45.76, 4.84}, {"Toulouse", 43.60, 1.44}, {"Lille", 50.63, 3.06}}},
	{"GB", "en-GB,en;q=0.9", "Europe/London", 0, [4]city{{"London", 51.51, -0.13}, {"Manchester", 53.48, -2.24}, {"Bristol", 51.45, -2.59}, {"Glasgow", 55.86, -4.25}}},
	{"PL", "pl-PL,pl;q=0.9,en;q=0.7", "Europe/Warsaw", 60, [4]city{{"Warsaw", 52.23, 21.01}, {"Krakow", 50.06, 19.94}, {"Gdansk", 54.35, 18.65}, {"Wroclaw", 51.11, 17.04}}},
	{"AT", "de-AT,de;q=0.9,en;q=0.8", "Europe/Vienna", 60, [4]city{{"Vienna", 48.21, 16.37}, {"Graz", 47.07, 15.44}, {"Linz", 48.31, 14.29}, {"Salzburg", 47.81, 13.06}}},
	{"CH", "de-CH,de;q=0.9,fr;q=0.7", "Europe/Zurich", 60, [4]city{{"Zurich", 47.38, 8.54}, {"Geneva", 46.20, 6.14}, {"Basel", 47.56, 7.59}, {"Bern", 46.95, 7.45}}},
	{"NL", "nl-NL,nl;q=0.9,en;q=0.8", "Europe/Amsterdam", 60, [4]city{{"Amsterdam", 52.37, 4.90}, {"Rotterdam", 51.92, 4.48}, {"Utrecht", 52.09, 5.12}, {"Eindhoven", 51.44, 5.47}}},
	{"IN", "en-IN,en;q=0.9,hi;q=0.8", "Asia/Kolkata", 330, [4]city{{"Bengaluru", 12.97, 77.59}, {"Mumbai", 19.08, 72.88}, {"Delhi", 28.61, 77.21}, {"Chennai", 13.08, 80.27}}},
	{"IT", "it-IT,it;q=0.9,en;q=0.7", "Europe/Rome", 60, [4]city{{"Rome", 41.90, 12.50}, {"Milan", 45.46, 9.19}, {"Turin", 45.07, 7.69}, {"Naples", 40.85, 14.27}}},
	{"ES", "es-ES,es;q=0.9,en;q=0.7", "Europe/Madrid", 60, [4]city{{"Madrid", 40.42, -3.70}, {"Barcelona", 41.39, 2.17}, {"Valencia", 39.47, -0.38}, {"Seville", 37.39, -5.98}}},
	{"BR", "pt-BR,pt;q=0.9,en;q=0.7", "America/Sao_Paulo", -180, [4]city{{"Sao Paulo", -23.55, -46.63}, {"Rio de Janeiro", -22.91, -43.17}, {"Belo Horizonte", -19.92, -43.94}, {"Recife", -8.05, -34.88}}},
	{"CZ", "cs-CZ,cs;q=0.9,en;q=0.7", "Europe/Prague", 60, [4]city{{"Prague", 50.08, 14.44}, {"Brno", 49.20, 16.61}, {"Ostrava", 49.82, 18.26}, {"Pilsen", 49.75, 13.38}}},
	{"SE", "sv-SE,sv;q=0.9,en;q=0.8", "Europe/Stockholm", 60, [4]city{{"Stockholm", 59.33, 18.07}, {"Gothenburg", 57.71, 11.97}, {"Malmo", 55.60, 13.00}, {"Umea", 63.83, 20.26}}},
	{"RO", "ro-RO,ro;q=0.9,en;q=0.7", "Europe/Bucharest", 120, [4]city{{"Bucharest", 44.43, 26.10}, {"Cluj", 46.77, 23.60}, {"Iasi", 47.16, 27.59}, {"Timisoara", 45.75, 21.23}}},
	{"CA", "en-CA,en;q=0.9,fr;q=0.6", "America/Toronto", -300, [4]city{{"Toronto", 43.65, -79.38}, {"Montreal", 45.50, -73.57}, {"Ottawa", 45.42, -75.70}, {"Quebec", 46.81, -71.21}}},
	{"TR", "tr-TR,tr;q=0.9,en;q=0.7", "Europe/Istanbul", 180, [4]city{{"Istanbul", 41.01, 28.98}, {"Ankara", 39.93, 32.86}, {"Izmir", 38.42, 27.14}, {"Bursa", 40.18, 29.06}}},
	{"PT", "pt-PT,pt;q=0.9,en;q=0.7", "Europe/Lisbon", 0, [4]city{{"Lisbon", 38.72, -9.14}, {"Porto", 41.15, -8.61}, {"Braga", 41.55, -8.43}, {"Faro", 37.02, -7.93}}},
	{"DK", "da-DK,da;q=0.9,en;q=0.8", "Europe/Copenhagen", 60, [4]city{{"Copenhagen", 55.68, 12.57}, {"Aarhus", 56.16, 10.20}, {"Odense", 55.40, 10.39}, {"Aalborg", 57.05, 9.92}}},
	{"BE", "nl-BE,nl;q=0.9,fr;q=0.8", "Europe/Brussels", 60, [4]city{{"Brussels", 50.85, 4.35}, {"Antwerp", 51.22, 4.40}, {"Ghent", 51.05, 3.72}, {"Liege", 50.63, 5.57}}},
	{"NO", "nb-NO,nb;q=0.9,en;q=0.8", "Europe/Oslo", 60, [4]city{{"Oslo", 59.91, 10.75}, {"Bergen", 60.39, 5.32}, {"Trondheim", 63.43, 10.40}, {"Stavanger", 58.97, 5.73}}},
	{"JP", "ja-JP,ja;q=0.9", "Asia/Tokyo", 540, [4]city{{"Tokyo", 35.68, 139.69}, {"Osaka", 34.69, 135.50}, {"Nagoya", 35.18, 136.91}, {"Sapporo", 43.06, 141.35}}},
	{"HU", "hu-HU,hu;q=0.9,en;q=0.7", "Europe/Budapest", 60, [4]city{{"Budapest", 47.50, 19.04}, {"Debrecen", 47.53, 21.63}, {"Szeged", 46.25, 20.15}, {"Pecs", 46.07, 18.23}}},
	{"MX", "es-MX,es;q=0.9,en;q=0.7", "America/Mexico_City", -360, [4]city{{"Mexico City", 19.43, -99.13}, {"Guadalajara", 20.66, -103.35}, {"Monterrey", 25.69, -100.32}, {"Puebla", 19.04, -98.21}}},
	{"FI", "fi-FI,fi;q=0.9,en;q=0.8", "Europe/Helsinki", 120, [4]city{{"Helsinki", 60.17, 24.94}, {"Tampere", 61.50, 23.76}, {"Turku", 60.45, 22.27}, {"Oulu", 65.01, 25.47}}},
	{"GR", "el-GR,el;q=0.9,en;q=0.7", "Europe/Athens", 120, [4]city{{"Athens", 37.98, 23.73}, {"Thessaloniki", 40.64, 22.94}, {"Patras", 38.25, 21.73}, {"Heraklion", 35.34, 25.14}}},
	{"IE", "en-IE,en;q=0.9", "Europe/Dublin", 0, [4]city{{"Dublin", 53.35, -6.26}, {"Cork", 51.90, -8.47}, {"Galway", 53.27, -9.06}, {"Limerick", 52.66, -8.63}}},
	{"SG", "en-SG,en;q=0.9,zh;q=0.7", "Asia/Singapore", 480, [4]city{{"Singapore", 1.35, 103.82}, {"Jurong", 1.33, 103.74}, {"Woodlands", 1.44, 103.79}, {"Tampines", 1.35, 103.94}}},
	{"AU", "en-AU,en;q=0.9", "Australia/Sydney", 600, [4]city{{"Sydney", -33.87, 151.21}, {"Melbourne", -37.81, 144.96}, {"Brisbane", -27.47, 153.03}, {"Canberra", -35.28, 149.13}}},
	{"ZA", "en-ZA,en;q=0.9,af;q=0.7", "Africa/Johannesburg", 120, [4]city{{"Johannesburg", -26.20, 28.05}, {"Cape Town", -33.92, 18.42}, {"Durban", -29.86, 31.02}, {"Pretoria", -25.75, 28.19}}},
}

// homeShare is the share of users who live in the first country.
const homeShare = 0.7

func drawCountry(d *dice) int {
	if d.chance(homeShare) {
		return 0
	}
	return 1 + d.zipf(len(countries)-1)
}

// holiday reports a day off besides the weekend, by the day of the year: New Year,
// the first of May, Christmas, and one of each country's own (which is assumed).
func (c *country) holiday(month, dayOfMonth int) bool {
	switch {
	case month == 1 && dayOfMonth == 1, month == 5 && dayOfMonth == 1, month == 12 && (dayOfMonth == 25 || dayOfMonth == 26):
		return true
	}
	h := hash(uint64(c.code[0]), uint64(c.code[1]))
	return month == int(h%12)+1 && dayOfMonth == int(h>>32%28)+1
}
