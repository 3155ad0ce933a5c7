-- Counts one request in a bucket that refills evenly (GCRA), on the clock of Redis, which all processes share.
-- KEYS[1]: the bucket: the instant at which it will be full again. ARGV: its size, and the time in which it fills, in microseconds.
-- Answers whether the request fits, how many more do, and the microseconds until it is full, or until one more fits.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local quota, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local step = window / quota
-- A clock that was set back must not lock anybody out for longer than one window.
local full = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now), now + window)
if full + step - now > window then
    return { 0, 0, math.ceil(full + step - now - window) }
end
full = full + step
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.max(1, math.ceil((full - now) / 1000)))
return { 1, math.floor((window - (full - now)) / step), math.ceil(full - now) }
