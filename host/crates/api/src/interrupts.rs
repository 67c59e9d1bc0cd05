//! The inbox: everything that waits for a person, over all runs of the tenant.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use wforge_engine::{
    Assign, InboxEntry, InboxFilter, InboxKind, InboxOrder, InboxPlace, InboxQuery, InterruptId,
    PutTo,
};

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::extract::{JsonOf, NoQuery, PathOf, QueryOf, duration};
use crate::resource::{Page, PageQuery, Resource};
use crate::runs::{WaitQuery, when_settled};
use crate::state::{Api, Shared};

/// The longest that a question can be asked to have waited.
const AGE_MAX: Duration = Duration::from_hours(10 * 365 * 24);

/// The query of [`list`]: what is shown must fit all of it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// Where the page before ended.
    cursor: Option<String>,
    /// `NAME` or `NAME@VERSION` of the workflow.
    workflow: Option<String>,
    /// The run.
    run: Option<String>,
    /// The thread.
    thread: Option<String>,
    /// The node that asks.
    node: Option<String>,
    /// Only the questions that were put to that name.
    assignee: Option<String>,
    /// Only the questions that were put to whoever asks.
    mine: Option<bool>,
    /// Only the questions that were put to nobody.
    unassigned: Option<bool>,
    /// Questions, or runs that stand at a border.
    #[param(inline)]
    kind: Option<KindQuery>,
    /// The run has not moved for so long, such as `30m`, `4h` or `2d`.
    older_than: Option<String>,
    /// Whether its deadline has passed, or the time after which it escalates.
    overdue: Option<bool>,
    /// The order of the list.
    #[serde(default)]
    #[param(inline)]
    order: OrderQuery,
}

/// What is wanted of a person.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KindQuery {
    /// An answer.
    Question,
    /// To be let go on.
    Pause,
}

/// The order of an inbox.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderQuery {
    /// The oldest run first.
    #[default]
    Run,
    /// What is due first is first; what has no deadline comes last.
    Deadline,
}

impl ListQuery {
    fn checked(self, api: &Shared, principal: &Principal) -> Result<InboxQuery, ApiError> {
        let assignee = self.put_to(principal)?;
        let wrong = |detail| ApiError::new(&codes::MALFORMED, detail);
        let run = self.run.as_deref().map(str::parse).transpose();
        let thread = self.thread.as_deref().map(str::parse).transpose();
        let at = PageQuery::of(self.limit, self.cursor).checked(&api.parts.limits)?;
        let age = |text| duration("older_than", text, AGE_MAX);
        let age = self.older_than.as_deref().map(age).transpose()?;
        let filter = InboxFilter {
            workflow: self.workflow,
            run: run.map_err(|_| wrong("run is the id of a run"))?,
            thread: thread.map_err(|_| wrong("thread is the id of a thread"))?,
            node: self.node,
            assignee,
            kind: self.kind.map(|kind| match kind {
                KindQuery::Question => InboxKind::Question,
                KindQuery::Pause => InboxKind::Pause,
            }),
            older_than_ms: age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
            overdue: self.overdue,
        };
        let order = match self.order {
            OrderQuery::Run => InboxOrder::Run,
            OrderQuery::Deadline => InboxOrder::Deadline,
        };
        Ok(InboxQuery { filter, order, after: at.cursor_as()?, limit: at.items_max })
    }

    /// At most one of three ways to say it.
    fn put_to(&self, principal: &Principal) -> Result<Option<PutTo>, ApiError> {
        let mine = self.mine.filter(|mine| *mine).map(|_| PutTo::Name(principal.name.clone()));
        let nobody = self.unassigned.filter(|unassigned| *unassigned).map(|_| PutTo::Nobody);
        let named = self.assignee.clone().map(PutTo::Name);
        let mut said = [mine, nobody, named].into_iter().flatten();
        match (said.next(), said.next()) {
            (one, None) => Ok(one),
            (_, Some(_)) => {
                let detail = "write one of assignee, mine and unassigned";
                Err(ApiError::new(&codes::MALFORMED, detail))
            }
        }
    }
}

/// `GET /v1/interrupts`: what waits for people, by run or by deadline.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<Page<InboxEntry>>, ApiError> {
    let query = query.checked(&api, &principal)?;
    let (entries, has_more) = api.parts.engine.inbox(&principal.tenant, &query).await?;
    let last = entries.last().filter(|_| has_more);
    let next_cursor = last.map(|last| InboxPlace::of(last).to_string());
    Ok(Json(Page { items: entries.into_iter().map(resource).collect(), next_cursor }))
}

/// `GET /v1/interrupts/{interrupt}`: one question, or one pause, as long as it waits.
pub(crate) async fn show(
    State(api): State<Api>,
    principal: Principal,
    PathOf(id): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<InboxEntry>>, ApiError> {
    let id = interrupt_id(&id)?;
    Ok(Json(resource(api.parts.engine.interrupt(&principal.tenant, id).await?)))
}

/// The body of [`answer`].
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = InterruptAnswer)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerBody {
    /// The answer, which must fit the question's schema.
    answer: Value,
}

/// `POST /v1/interrupts/{interrupt}/answer`: answers one question; its run goes on.
pub(crate) async fn answer(
    State(api): State<Api>,
    principal: Principal,
    PathOf(id): PathOf<String>,
    QueryOf(wait): QueryOf<WaitQuery>,
    JsonOf(AnswerBody { answer }): JsonOf<AnswerBody>,
) -> Result<Response, ApiError> {
    let (id, wait) = (interrupt_id(&id)?, wait.checked(&api)?);
    let (engine, who) = (api.parts.engine.clone(), principal.clone());
    let answer = async move { engine.answer(&who.tenant, id, answer, &who.name).await };
    let head = api.whole(answer).await?;
    when_settled(&api, &principal.tenant, head.run, wait).await
}

/// The body of [`assign`].
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = InterruptAssign)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignBody {
    /// Who should answer: the subject of a member, or whatever name your people go by; null leaves
    /// it to whoever comes.
    #[serde(default)]
    assignee: Option<String>,
    /// What is said to them with it.
    #[serde(default)]
    note: Option<String>,
}

/// `POST /v1/interrupts/{interrupt}/assign`: puts a question to somebody.
pub(crate) async fn assign(
    State(api): State<Api>,
    principal: Principal,
    PathOf(id): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(AssignBody { assignee, note }): JsonOf<AssignBody>,
) -> Result<Json<Resource<InboxEntry>>, ApiError> {
    let id = interrupt_id(&id)?;
    let assign = Assign { assignee, note, by: principal.actor() };
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant);
    let assigned = api.whole(async move { engine.assign(&tenant, id, assign).await }).await?;
    Ok(Json(resource(assigned)))
}

/// Text that is no id names nothing that waits either.
fn interrupt_id(text: &str) -> Result<InterruptId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("interrupt", text))
}

fn resource(entry: InboxEntry) -> Resource<InboxEntry> {
    let id = entry.id.to_string();
    let href = format!("/v1/interrupts/{id}");
    Resource::new("interrupt", id, href, entry)
}
