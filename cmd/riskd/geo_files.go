package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/riskd/riskd/geo"
)

// openGeo loads what there is of the geo data: riskd serves without it too.
func (s *service) openGeo(o geo.Options) (err error) {
	if s.locator, err = geo.Open(o); err != nil {
		return fmt.Errorf("geo.%w", err)
	}
	s.stops.add(s.locator.Close)
	for _, status := range s.locator.Status() {
		logGeo(s.log, status)
	}
	every := s.config.Geo.Watch
	if every > 0 && o.Files == nil && len(o.Databases)+len(o.Lists) > 0 {
		s.stops.spawn(func(ctx context.Context) {
			_ = s.locator.Watch(ctx, every, func(status geo.Status) { logGeo(s.log, status) })
		})
	}
	return nil
}

func geoOptions(c *config) geo.Options {
	o := geo.Options{Databases: c.Geo.Databases, Now: time.Now}
	for _, l := range c.Geo.Lists {
		o.Lists = append(o.Lists, geo.List{Path: l.Path, Kind: l.Kind})
	}
	return o
}

func logGeo(log *slog.Logger, s geo.Status) {
	switch {
	case s.Err != nil:
		for _, e := range flatten(s.Err) {
			log.Error("geo file not loaded", "file", s.Path, "still_answers", s.Loaded, "error", e.Error())
		}
	case s.Stale:
		log.Warn("geo database is old: get a newer one", "file", s.Path, "built", s.Build)
	default:
		log.Info("geo file loaded", "file", s.Path, "type", s.Type, "built", s.Build)
	}
}
