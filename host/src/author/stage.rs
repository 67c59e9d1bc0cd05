//! One call as a run would make it: input and configuration are held to the agent's schemas before
//! it, output and exits after it, and a script stands in for the world.

use wforge_effects::llm::CassetteEntry;
use wforge_model::agent::Reply;
use wforge_model::manifest::AgentManifest;
use wforge_model::{Capability, Denial, Failure, Grants, Problem};
use wforge_ports::plugins::Admitted;
use wforge_spec::Schemas;
use wforge_spec::suite::Script;

use super::sandbox::{Call, Cost, Outcome, Sandbox};
use super::script::{Extras, Scripted};

/// A component that is ready to be called.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) admitted: Admitted,
    schemas: Schemas,
}

/// What the world answers in a call.
#[derive(Debug, Clone, Default)]
pub(crate) struct World<'a> {
    pub(crate) script: Script,
    pub(crate) cassette: &'a [CassetteEntry],
    pub(crate) extras: Extras,
}

/// What came of a call, and of its script.
#[derive(Debug, Clone)]
pub(crate) struct Played {
    pub(crate) outcome: Outcome,
    /// What is wrong with the script itself.
    pub(crate) problems: Vec<String>,
    /// Answers that nobody asked for.
    pub(crate) left_over: Vec<String>,
}

impl Stage {
    pub(crate) fn new(sandbox: Sandbox, admitted: Admitted) -> Self {
        Self { sandbox, admitted, schemas: Schemas::new() }
    }

    /// The schemas of the plugin are checked by this.
    pub(crate) const fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// The agent of that name; without a name the only one, or `main`.
    pub(crate) fn agent(&self, name: Option<&str>) -> Option<&AgentManifest> {
        self.admitted.manifest.agent(name)
    }

    /// What the manifest asks for.
    pub(crate) fn needs(&self) -> Vec<Capability> {
        self.admitted.needs().cloned().collect()
    }

    /// Makes a call of an agent that the manifest has.
    pub(crate) async fn play(
        &self,
        agent: &AgentManifest,
        call: Call,
        world: &World<'_>,
    ) -> anyhow::Result<Played> {
        if let Some(failure) = self.misfit(agent, &call) {
            let outcome = refused(failure);
            return Ok(Played { outcome, problems: Vec::new(), left_over: Vec::new() });
        }
        let mut session = Scripted::new(&self.admitted.manifest.name, &call, world);
        let mut outcome = self.sandbox.call(&self.admitted, call, &mut session).await?;
        outcome.result = outcome.result.and_then(|reply| self.checked(agent, reply));
        let (problems, left_over) = (session.problems().to_vec(), session.left_over());
        Ok(Played { outcome, problems, left_over })
    }

    /// Why a host would not make the call.
    fn misfit(&self, agent: &AgentManifest, call: &Call) -> Option<Failure> {
        let places =
            [("input", &agent.input, &call.input), ("config", &agent.config, &call.config)];
        places.into_iter().find_map(|(what, schema, value)| {
            let misses = self.schemas.check(schema, value).err()?;
            let message =
                format!("the {what} of {} does not fit: {}", agent.name, misses.join("; "));
            Some(Failure::InvalidInput(Problem::new(&format!("{what}_schema"), message)))
        })
    }

    fn checked(&self, agent: &AgentManifest, reply: Reply) -> Result<Reply, Failure> {
        if let Some(exit) = reply.exits.iter().find(|exit| !agent.exits.contains(&exit.name)) {
            let hint = format!("the manifest gives the agent {} no such exit", agent.name);
            let (capability, resource) = ("exit".to_owned(), exit.name.clone());
            return Err(Failure::Denied(Denial { capability, resource, hint }));
        }
        match self.schemas.check(&agent.output, &reply.output) {
            Ok(()) => Ok(reply),
            Err(misses) => {
                let misses = misses.join("; ");
                let message = format!("the result does not fit the agent's schema: {misses}");
                Err(Failure::BadOutput(Problem::new("output_schema", message)))
            }
        }
    }

    /// What is granted where nothing else is said: all that the manifest asks for.
    pub(crate) fn all_granted(&self) -> Grants {
        self.needs().into_iter().collect()
    }
}

/// A call that was never made.
fn refused(failure: Failure) -> Outcome {
    Outcome {
        result: Err(failure),
        logs: Vec::new(),
        events: Vec::new(),
        effects: Vec::new(),
        cost: Cost::default(),
    }
}
