-- wrk as a generator of given bytes: `wrk -s wrk.lua URL -- REQUEST_FILE`.

-- What wrk.format returns is sent as it is, again and again; wrk counts the requests in it.
function init(args)
  local file = assert(io.open(args[1], "rb"))
  local request = file:read("*a")
  file:close()
  wrk.format = function() return request end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"answered":%d,"microseconds":%d,"bytes":%d,"errors":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
