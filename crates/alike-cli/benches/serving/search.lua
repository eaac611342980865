-- wrk -s search.lua URL -- FIRST COUNT: asks for what is like a random one of COUNT ids from FIRST, and says as JSON in its
-- last line how that went.

function init(args)
    first, count = tonumber(args[1]), tonumber(args[2])
    math.randomseed(1)
end

function request()
    return wrk.format("GET", "/api/v1/images/" .. (first + math.random(0, count - 1)) .. "/similar?k=10")
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format(
        '{"requests": %d, "failed": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f}',
        summary.requests,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout,
        summary.duration / 1e6,
        latency:percentile(50) / 1e3,
        latency:percentile(99) / 1e3
    ))
end
