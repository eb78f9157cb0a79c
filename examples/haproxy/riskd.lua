-- Asks riskd about a request of the class in txn.risk_class: `http-request lua.riskd`.
--
-- Sets txn.risk_status to what riskd answered, 503 if it gave no answer in time,
-- and txn.risk_challenge to its WWW-Authenticate. If it allowed, its X-Risk headers
-- go to the application.
--
-- It speaks over a plain socket, since HAProxy's own httpclient tries again when it
-- gets no answer, up to four times, and takes four times as long for it.

local deadline = 0.5 -- seconds, for all of it

local passed = { "cookie", "user-agent", "accept-language" }

local function now()
	local t = core.now()
	return t.sec + t.usec / 1e6
end

-- request writes what riskd reads and nothing else of the client's. HTTP/1.0 has
-- the connection end with the answer.
local function request(txn)
	local lines = {
		"GET /v1/forward-auth/site HTTP/1.0",
		"Host: riskd",
		"X-Original-Method: " .. txn.f:method(),
		"X-Forwarded-For: " .. txn.f:src(),
		"X-Risk-Class: " .. txn:get_var("txn.risk_class"),
	}
	local headers = txn.http:req_get_headers()
	for _, name in ipairs(passed) do
		local values = headers[name]
		if values then
			for i = 0, #values do
				lines[#lines + 1] = name .. ": " .. values[i]
			end
		end
	end
	return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- ask gives riskd's status and headers, or nothing.
local function ask(txn)
	local _, server = next(core.backends["riskd"].servers)
	local host, port = server:get_addr():match("^(.*):(%d+)$")
	local over = now() + deadline
	local socket = core.tcp()
	local function line()
		local left = over - now()
		if left <= 0 then
			return nil
		end
		socket:settimeout(left)
		return socket:receive("*l")
	end
	socket:settimeout(deadline)
	if not socket:connect(host, tonumber(port)) or not socket:send(request(txn)) then
		socket:close()
		return nil
	end
	local status, headers = tonumber((line() or ""):match("^HTTP/1%.%d (%d+)")), {}
	while status do
		local l = line()
		if not l then
			status = nil -- cut off, or too late
		elseif l == "" or l == "\r" then
			break
		else
			local name, value = l:match("^([^:]+):%s*(.-)%s*$")
			if name then
				headers[name:lower()] = value
			end
		end
	end
	socket:close()
	return status, headers
end

core.register_action("riskd", { "http-req" }, function(txn)
	txn:set_var("txn.risk_status", 503)
	local status, headers = ask(txn)
	if not status then
		return
	end
	txn:set_var("txn.risk_status", status)
	txn:set_var("txn.risk_challenge", headers["www-authenticate"] or "Bearer")
	if status == 200 then
		for name, value in pairs(headers) do
			if name:find("^x%-risk%-") and value ~= "" then
				txn.http:req_set_header(name, value)
			end
		end
	end
end, 0)
