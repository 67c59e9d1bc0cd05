//! What becomes of spans: counted where they come to wait for the collector, and where they are
//! sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfig, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};

/// What became of spans. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct SpanCounts(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    waiting: AtomicUsize,
    sent: AtomicU64,
    lost: AtomicU64,
    dropped: AtomicU64,
}

impl SpanCounts {
    /// Those that the collector took.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Those that it was asked to take, and did not.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Those for which there was no room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Sends spans in batches, lets no more than `spans_max` wait, and counts.
    pub(crate) fn around<E: SpanExporter + 'static>(
        &self,
        spans_max: usize,
        exporter: E,
        batch: BatchConfig,
    ) -> impl SpanProcessor + use<E> {
        let exporter = Sender { inner: exporter, counts: self.clone() };
        let inner = BatchSpanProcessor::builder(exporter).with_batch_config(batch).build();
        Room { inner, spans_max, counts: self.clone() }
    }

    /// Whether one more may wait.
    fn enter(&self, spans_max: usize) -> bool {
        let one_more = |waiting: usize| (waiting < spans_max).then_some(waiting + 1);
        let Counts { waiting, dropped, .. } = &*self.0;
        let is_in = waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok();
        if !is_in {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
        is_in
    }

    fn leave(&self, spans: usize, is_sent: bool) {
        let Counts { waiting, sent, lost, .. } = &*self.0;
        waiting.fetch_sub(spans, Ordering::Relaxed);
        let count = if is_sent { sent } else { lost };
        count.fetch_add(u64::try_from(spans).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Where spans wait. The batches' own queue has as much room and tells nobody what it drops, so it
/// is never asked for more.
#[derive(Debug)]
struct Room {
    inner: BatchSpanProcessor,
    spans_max: usize,
    counts: SpanCounts,
}

impl SpanProcessor for Room {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.counts.enter(self.spans_max) {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// An exporter that is counted.
#[derive(Debug)]
struct Sender<E> {
    inner: E,
    counts: SpanCounts,
}

impl<E: SpanExporter> SpanExporter for Sender<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.inner.export(batch).await;
        self.counts.leave(spans, result.is_ok());
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, sync_channel};

    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::error::OTelSdkError;
    use opentelemetry_sdk::trace::{BatchConfigBuilder, SdkTracerProvider};

    use super::*;

    /// A collector that answers when it is told to, and takes spans if it is told so.
    #[derive(Debug)]
    struct Stuck(Mutex<Receiver<bool>>);

    impl SpanExporter for Stuck {
        async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
            match self.0.lock().unwrap().recv() {
                Ok(true) => Ok(()),
                _ => Err(OTelSdkError::InternalFailure("gone".into())),
            }
        }
    }

    #[test]
    fn spans_beyond_the_room_are_counted_as_dropped_and_the_rest_by_what_the_collector_says() {
        let (counts, (answers, stuck)) = (SpanCounts::default(), sync_channel(1));
        let batch = BatchConfigBuilder::default()
            .with_max_queue_size(4)
            .with_max_export_batch_size(2)
            .with_scheduled_delay(Duration::from_secs(3_600))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(counts.around(4, Stuck(Mutex::new(stuck)), batch))
            .build();
        let tracer = provider.tracer("test");
        for _ in 0..10 {
            drop(tracer.start("span"));
        }
        assert_eq!((counts.dropped(), counts.sent(), counts.lost()), (6, 0, 0));
        // One batch is taken, and no other.
        answers.send(true).unwrap();
        drop(answers);
        let _ = provider.shutdown();
        assert_eq!(counts.sent() + counts.lost(), 4);
        assert!(counts.sent() > 0 && counts.lost() > 0, "{counts:?}");
        assert_eq!((counts.dropped(), counts.0.waiting.load(Ordering::Relaxed)), (6, 0));
    }
}
