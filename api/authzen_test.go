package api

// question has something in every member that riskd reads of one.
const question = `{
	"subject":{"type":"session","id":"raw-1","properties":{
		"session_id":"raw-1","sid":"raw-1","previous_session_id":"raw-0","session_started_at":"2026-11-21T09:00:00Z","auth_time":1795248000,
		"acr":"aal1","amr":["pwd"],"user":"u1","user_type":"staff","roles":["admin"],"device_id":"d1","device_fingerprint":"f1",
		"device_compliant":false,"tenant":"shop","role":"admin","department":null,"score":1.5}},
	"action":{"name":"POST","properties":{"privilege":"refund","privilege_level":3,"activity":"background","soft":true}},
	"resource":{"type":"route","id":"/payments/{id}","properties":{"class":"sensitive","sensitivity":"high","object":"p-1","status":"archived"}},
	"context":{"tenant":"shop","ip":"203.0.113.7","user_agent":"Mozilla/5.0","ja4":"t13d","language":"de","time":"2026-11-21T11:59:00Z",
		"environment":"production","session_id":"raw-1","supported_obligations":["step-up","custom"],"geo":{"country":"FR"},"tags":[1,"a"]}}`

const questions = `{
	"subject":{"type":"user","id":"u1"},"action":{"name":"GET"},"context":{"ip":"203.0.113.7"},
	"evaluations":[{"resource":{"type":"route","id":"/a"}},{},{"resource":{"type":"record","id":"r1"},"subject":{"type":"session","id":"raw-1"}}],
	"options":{"evaluations_semantic":"execute_all"}}`
