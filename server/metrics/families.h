// The names of what Fathom exports to Prometheus (but for EngineMetrics and DepthMetrics), with
// label names and buckets, in one place.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace fathom {

// Families of one registry, which must outlive them. Thread-safe.
struct MetricFamilies {
  explicit MetricFamilies(prometheus::Registry& registry);

  template <typename T>
  using Family = prometheus::Family<T>;
  using Counter = prometheus::Counter;
  using Gauge = prometheus::Gauge;
  using Histogram = prometheus::Histogram;

  Family<Counter>& requests;            // {task, code}
  Family<Histogram>& request_duration;  // {code}
  // Of a call.
  Family<Histogram>& tokenize_duration;
  Family<Histogram>& queue_duration;
  Family<Histogram>& compute_duration;
  // Of a pass.
  Family<Histogram>& trunk_duration;
  Family<Histogram>& branches_duration;
  Family<Histogram>& heads_duration;
  Family<Histogram>& pass_duration;
  Family<Counter>& abandoned_passes;
  Family<Gauge>& workers;
  Family<Histogram>& batch_rows;
  Family<Histogram>& batch_texts;
  Family<Counter>& row_layers_run;
  Family<Counter>& row_layers_shared;
  Family<Counter>& row_layers_cached;
  Family<Counter>& row_layers_skipped;
  Family<Counter>& deduplicated_items;
  Family<Histogram>& cost_model_error;
  Family<Counter>& skip_layers_chosen;  // {task, skip_layers}
  Family<Counter>& depth_reasons;       // {reason}
  Family<Histogram>& expected_quality;
  Family<Gauge>& queue_requests;
  Family<Gauge>& queue_tokens;
  Family<Gauge>& queue_seconds;
  Family<Gauge>& queue_utilization;
  Family<Counter>& rejections;  // {reason}
  Family<Gauge>& build_info;    // {version, encoder, encoder_fingerprint, device, precision}
};

prometheus::Histogram::BucketBoundaries DurationBuckets();  // seconds, 0.1 ms … 10 s
prometheus::Histogram::BucketBoundaries RowBuckets();       // 1 … 65536
prometheus::Histogram::BucketBoundaries TextBuckets();      // 1 … 1024
prometheus::Histogram::BucketBoundaries ErrorBuckets();     // 0.01 … 2
prometheus::Histogram::BucketBoundaries QualityBuckets();   // shares, 0.5 … 1

}  // namespace fathom
