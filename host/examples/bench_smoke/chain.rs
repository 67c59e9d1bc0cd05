//! The engine with a chain of ten nodes, its store and its sandbox noted.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use wforge_effects::Nowhere;
use wforge_engine::Lanes;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Object, Value};
use wforge_ports::store::StoreFigures;
use wforge_ports::{Clock, Entropy, Store};

use crate::engine::{Base, Layers, Running, draft};
use crate::marks::{Mark, Marks, NotedRuntime, NotedStore};

pub(crate) const NODES: usize = 10;

/// A running engine with the chain's plugin installed.
pub(crate) struct Chain {
    running: Running,
    marks: Arc<Marks>,
    store: Arc<dyn Store>,
    draft: Arc<WorkflowDraft>,
}

impl Chain {
    pub(crate) async fn open(
        folder: &Path,
        component: Vec<u8>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        lanes: Lanes,
    ) -> Result<Self> {
        let marks = Arc::new(Marks::new(clock.clone()));
        let base = Base::open(folder, clock, entropy, lanes)?;
        let store: Arc<dyn Store> = base.sled.clone();
        let sandbox = Arc::new(NotedRuntime { inner: base.sandbox.clone(), marks: marks.clone() });
        let layers = Layers {
            store: Arc::new(NotedStore { inner: store.clone(), marks: marks.clone() }),
            runtime: sandbox.clone(),
            admission: sandbox,
            effects: base.recorded(Arc::new(Nowhere)),
        };
        let running = base.start(layers, component).await?;
        Ok(Self { running, marks, store, draft: draft(&text())? })
    }

    /// Runs the chain once; gives what was noted.
    pub(crate) async fn run(&self, input: &Value) -> Result<Vec<(Mark, u64)>> {
        self.marks.take();
        let input = Object::from_iter([("text".to_owned(), input.clone())]);
        self.running.run(&self.draft, input).await?;
        Ok(self.marks.take())
    }

    pub(crate) fn figures(&self) -> StoreFigures {
        self.store.figures()
    }

    pub(crate) async fn close(self) -> Result<()> {
        self.running.close().await
    }
}

fn text() -> String {
    let mut text = "apiVersion: workflowforge/v1\nname: chain\nversion: 1.0.0\n\
                    state: { text: {} }\ninput: [text]\noutput: [text]\nnodes:\n"
        .to_owned();
    let node = "{ agent: wforge/probe.echo, in: { text: state.text }, out: { text: result.text } }";
    for place in 0..NODES {
        text.push_str(&format!("  n{place}: {node}\n"));
    }
    text.push_str("edges:\n  - { from: START, to: n0 }\n");
    for place in 1..NODES {
        text.push_str(&format!("  - {{ from: n{}, to: n{place} }}\n", place - 1));
    }
    text
}
