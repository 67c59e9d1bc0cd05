//! What functions can be agents.

use serde::de::DeserializeOwned;

use crate::{Ctx, Failure};

/// A function that can be an agent: `fn(&Ctx, Input) -> Result<Output, Failure>`, with a third
/// parameter where it has a configuration. Its error may be any that turns into a [`Failure`].
///
/// Implemented for such functions; `Form` tells them apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an agent",
    note = "an agent is `fn(&Ctx, Input) -> Result<Output, Failure>`; a third parameter is its \
            configuration, which serde must be able to read, and an error of its own must turn \
            into `Failure`"
)]
pub trait Agent<Form> {
    /// What it works on.
    type Input;
    /// What it answers.
    type Output;

    /// Calls the function; its configuration is read from the call.
    ///
    /// # Errors
    /// The agent's own failure, or a configuration that does not fit its type.
    fn call(self, ctx: &Ctx, input: Self::Input) -> Result<Self::Output, Failure>;
}

impl<F, I, O, E> Agent<fn(I) -> Result<O, E>> for F
where
    F: FnOnce(&Ctx, I) -> Result<O, E>,
    E: Into<Failure>,
{
    type Input = I;
    type Output = O;

    fn call(self, ctx: &Ctx, input: I) -> Result<O, Failure> {
        self(ctx, input).map_err(Into::into)
    }
}

impl<F, I, C, O, E> Agent<fn(I, C) -> Result<O, E>> for F
where
    F: FnOnce(&Ctx, I, C) -> Result<O, E>,
    C: DeserializeOwned,
    E: Into<Failure>,
{
    type Input = I;
    type Output = O;

    fn call(self, ctx: &Ctx, input: I) -> Result<O, Failure> {
        self(ctx, input, ctx.config()?).map_err(Into::into)
    }
}
