# Makes of an event that was refused one text: a field of it is what was refused, and would be again.
def filter(event)
  reason = event.get("[@metadata][dead_letter_queue][reason]").to_s
  whole = event.to_hash
  whole.each_key { |key| event.remove(key) unless ["@timestamp", "@version"].include?(key) }
  event.set("message", LogStash::Json.dump(whole))
  event.set("error.type", "refused")
  event.set("error.message", reason)
  [event]
end
