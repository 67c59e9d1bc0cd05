//! The attributes `#[agent]` and `#[agents]`. Use them through `workflowforge_sdk`.
//!
//! Both leave the code as it stands and add the component's one export, which hands a call to the
//! function of that name, and says to a build what the code knows of its agents. They also write
//! the names into the custom section `workflowforge:agents`; the build compares it with
//! `plugin.toml` and takes it out again.

mod export;

use proc_macro::TokenStream;
use proc_macro2::{Span, TokenStream as Tokens};
use quote::quote;
use syn::{Attribute, Error, Expr, ExprLit, Ident, Item, ItemFn, ItemMod, Lit, Meta, Visibility};

use crate::export::export;

/// Makes a function the plugin's only agent, `main`.
///
/// Its form is `fn name(ctx: &Ctx, input: I) -> Result<O, Failure>`, where `I` is what serde can
/// read and `O` what serde can write, or a `Reply` of it. A third parameter is its configuration.
/// The error may be any type that turns into a `Failure`.
///
/// The first paragraph of its documentation describes it in the manifest; types that implement
/// `JsonSchema` give their schemas.
#[proc_macro_attribute]
pub fn agent(arguments: TokenStream, item: TokenStream) -> TokenStream {
    answer(refuse_arguments(&arguments.into()).and_then(|()| one_agent(item.into())))
}

/// Makes each `pub fn` of a module an agent of the plugin, named as it is with `-` for `_`.
#[proc_macro_attribute]
pub fn agents(arguments: TokenStream, item: TokenStream) -> TokenStream {
    answer(refuse_arguments(&arguments.into()).and_then(|()| several_agents(item.into())))
}

/// An agent in the author's code.
struct Agent {
    /// Its name in the contract.
    name: String,
    /// The path of its function.
    path: Tokens,
    /// The first paragraph of its documentation, on one line.
    description: String,
    /// Whether it takes a configuration.
    is_configured: bool,
}

fn answer(result: Result<Tokens, Error>) -> TokenStream {
    result.unwrap_or_else(|error| error.to_compile_error()).into()
}

fn refuse_arguments(arguments: &Tokens) -> Result<(), Error> {
    if arguments.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Span::call_site(),
        "this attribute takes no arguments: names stand in plugin.toml, a configuration is the \
         function's third parameter, and types give their schemas by JsonSchema",
    ))
}

fn one_agent(item: Tokens) -> Result<Tokens, Error> {
    let function: ItemFn = syn::parse2(item)?;
    let ident = &function.sig.ident;
    let export = export(&[agent_of("main".to_owned(), quote!(#ident), &function)?]);
    Ok(quote!(#function #export))
}

fn several_agents(item: Tokens) -> Result<Tokens, Error> {
    let module: ItemMod = syn::parse2(item)?;
    let Some((_, items)) = &module.content else {
        return Err(Error::new_spanned(&module, "write the module's body here, in braces"));
    };
    let mut agents = Vec::new();
    for function in items.iter().filter_map(public_function) {
        agents.push(in_module(&module.ident, function)?);
    }
    if agents.is_empty() {
        return Err(Error::new_spanned(&module, "the module has no `pub fn`, so no agent"));
    }
    let export = export(&agents);
    Ok(quote!(#module #export))
}

fn public_function(item: &Item) -> Option<&ItemFn> {
    match item {
        Item::Fn(function) if matches!(function.vis, Visibility::Public(_)) => Some(function),
        _ => None,
    }
}

fn in_module(module: &Ident, function: &ItemFn) -> Result<Agent, Error> {
    let ident = &function.sig.ident;
    let name = ident.to_string().trim_start_matches("r#").replace('_', "-");
    agent_of(name, quote!(#module::#ident), function)
}

fn agent_of(name: String, path: Tokens, function: &ItemFn) -> Result<Agent, Error> {
    check(function)?;
    let is_configured = function.sig.inputs.len() == 3;
    Ok(Agent { name, path, description: description(&function.attrs), is_configured })
}

/// What the compiler would say about generated code, said about the author's.
fn check(function: &ItemFn) -> Result<(), Error> {
    let signature = &function.sig;
    if let Some(keyword) = &signature.asyncness {
        return Err(Error::new_spanned(keyword, "an agent is synchronous: lists give parallelism"));
    }
    if !(2..=3).contains(&signature.inputs.len()) {
        return Err(Error::new_spanned(
            signature,
            "an agent takes `ctx: &Ctx`, its input and, if it has one, its configuration",
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(&signature.generics, "an agent has no type parameters"));
    }
    Ok(())
}

/// The first paragraph of a documentation, on one line.
fn description(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(doc_line);
    let lines: Vec<String> = lines.map(|line| line.trim().to_owned()).collect();
    let paragraph = lines.iter().skip_while(|line| line.is_empty());
    let words: Vec<&str> =
        paragraph.take_while(|line| !line.is_empty()).map(String::as_str).collect();
    words.join(" ")
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else { return None };
    match &meta.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if meta.path.is_ident("doc") => {
            Some(text.value())
        }
        _ => None,
    }
}
