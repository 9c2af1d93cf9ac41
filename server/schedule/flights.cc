#include "server/schedule/flights.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "runtime/cache/text_key.h"

namespace fathom {

HashedText HashText(std::shared_ptr<const TokenizedText> text) {
  const size_t hash = TextHash()(*text);
  return {.text = std::move(text), .hash = hash};
}

FlightPtr FlightTable::FindOrAdd(const HashedText& text, const ScheduledTask& task) {
  const auto found = flights_.find(Sought{text, task});
  if (found != flights_.end()) return *found;
  const auto flight = std::make_shared<Flight>(Flight{.id = ++ids_, .text = text, .task = task});
  flights_.insert(flight);
  return flight;
}

FlightPtr FlightTable::Join(const HashedText& text, const ScheduledTask& task,
                            QueuedRequest* holder) {
  FlightPtr flight = FindOrAdd(text, task);
  flight->holders.push_back(holder);
  return flight;
}

void FlightTable::Leave(Flight& flight, QueuedRequest* holder) {
  const auto held = std::find(flight.holders.begin(), flight.holders.end(), holder);
  if (held == flight.holders.end()) return;
  flight.holders.erase(held);
  if (flight.holders.empty() && flight.state == Flight::State::kWaiting) flights_.erase(&flight);
}

void FlightTable::Finish(Flight& flight) {
  flight.state = Flight::State::kDone;
  flight.holders.clear();
  flights_.erase(&flight);
}

size_t FlightTable::Hash::operator()(const Sought& sought) const {
  return absl::HashOf(sought.text.hash, sought.task.task.get(), sought.task.skip_layers,
                      sought.task.output, sought.task.bypass_caches);
}

size_t FlightTable::Hash::operator()(const FlightPtr& flight) const {
  return (*this)(flight.get());
}

size_t FlightTable::Hash::operator()(const Flight* flight) const {
  return (*this)(Sought{flight->text, flight->task});
}

bool FlightTable::Equal::operator()(const FlightPtr& flight, const Sought& sought) const {
  return flight->task.task == sought.task.task &&
         flight->task.skip_layers == sought.task.skip_layers &&
         flight->task.output == sought.task.output &&
         flight->task.bypass_caches == sought.task.bypass_caches &&
         TextEqual{}(*flight->text.text, *sought.text.text);
}

}  // namespace fathom
