# Reads lines "visitor TAB time", sorted by visitor; the times of one are in order.
BEGIN { FS = OFS = "\t" }
$1 != visitor {
  tell()
  visitor = $1; sessions = 1; seconds = 0; last = $2
}
{
  if ($2 - last > 1800) sessions++
  else seconds += $2 - last
  last = $2
}
END { tell() }
function tell() { if (sessions) print visitor, sessions, seconds }
