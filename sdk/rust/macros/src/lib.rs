//! The attributes `#[agent]` and `#[agents]`. Use them through `workflowforge_sdk`.
//!
//! Both leave the code as it stands and add the component's one export, which hands a call to the
//! function of that name. They also write the names into the custom section
//! `workflowforge:agents`; the build compares it with `plugin.toml` and takes it out again.

use proc_macro::TokenStream;
use proc_macro2::{Literal, Span, TokenStream as Tokens};
use quote::quote;
use syn::{Error, Ident, Item, ItemFn, ItemMod, Visibility};

/// Makes a function the plugin's only agent, `main`.
///
/// Its form is `fn name(ctx: &Ctx, input: I) -> Result<O, Failure>`, where `I` is what serde can
/// read and `O` what serde can write, or a `Reply` of it.
#[proc_macro_attribute]
pub fn agent(arguments: TokenStream, item: TokenStream) -> TokenStream {
    answer(refuse_arguments(&arguments.into()).and_then(|()| one_agent(item.into())))
}

/// Makes each `pub fn` of a module an agent of the plugin, named as it is with `-` for `_`.
#[proc_macro_attribute]
pub fn agents(arguments: TokenStream, item: TokenStream) -> TokenStream {
    answer(refuse_arguments(&arguments.into()).and_then(|()| several_agents(item.into())))
}

/// An agent's name in the contract, and the path of its function.
struct Agent {
    name: String,
    path: Tokens,
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
        "this attribute takes no arguments: names and schemas stand in plugin.toml",
    ))
}

fn one_agent(item: Tokens) -> Result<Tokens, Error> {
    let function: ItemFn = syn::parse2(item)?;
    check(&function)?;
    let ident = &function.sig.ident;
    let export = export(&[Agent { name: "main".to_owned(), path: quote!(#ident) }]);
    Ok(quote!(#function #export))
}

fn several_agents(item: Tokens) -> Result<Tokens, Error> {
    let module: ItemMod = syn::parse2(item)?;
    let Some((_, items)) = &module.content else {
        return Err(Error::new_spanned(&module, "write the module's body here, in braces"));
    };
    let mut agents = Vec::new();
    for function in items.iter().filter_map(public_function) {
        check(function)?;
        agents.push(in_module(&module.ident, &function.sig.ident));
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

fn in_module(module: &Ident, function: &Ident) -> Agent {
    let name = function.to_string().trim_start_matches("r#").replace('_', "-");
    Agent { name, path: quote!(#module::#function) }
}

/// What the compiler would say about generated code, said about the author's.
fn check(function: &ItemFn) -> Result<(), Error> {
    let signature = &function.sig;
    if let Some(keyword) = &signature.asyncness {
        return Err(Error::new_spanned(keyword, "an agent is synchronous: lists give parallelism"));
    }
    if signature.inputs.len() != 2 {
        return Err(Error::new_spanned(signature, "an agent takes `ctx: &Ctx` and its input"));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(&signature.generics, "an agent has no type parameters"));
    }
    Ok(())
}

fn export(agents: &[Agent]) -> Tokens {
    let names: String = agents.iter().flat_map(|agent| [agent.name.as_str(), "\n"]).collect();
    let section = Literal::byte_string(names.as_bytes());
    let length = names.len();
    let arms = agents.iter().map(
        |Agent { name, path }| quote!(#name => ::workflowforge_sdk::export::serve(call, #path),),
    );
    quote! {
        /// Hands a call to its agent.
        #[doc(hidden)]
        pub fn __workflowforge_invoke(
            call: ::workflowforge_sdk::export::Call,
        ) -> ::core::result::Result<
            ::workflowforge_sdk::export::Reply,
            ::workflowforge_sdk::Failure,
        > {
            match call.agent.as_str() {
                #(#arms)*
                _ => Err(::workflowforge_sdk::export::unknown_agent(&call, #names)),
            }
        }

        #[cfg(target_family = "wasm")]
        #[expect(unsafe_code, reason = "the canonical ABI's export and a custom section")]
        const _: () = {
            struct Plugin;

            impl ::workflowforge_sdk::export::Guest for Plugin {
                fn invoke(
                    call: ::workflowforge_sdk::export::Call,
                ) -> ::core::result::Result<
                    ::workflowforge_sdk::export::Reply,
                    ::workflowforge_sdk::Failure,
                > {
                    __workflowforge_invoke(call)
                }
            }

            ::workflowforge_sdk::bindings::export_component!(
                Plugin with_types_in ::workflowforge_sdk::bindings
            );

            #[used]
            #[unsafe(link_section = "workflowforge:agents")]
            static AGENTS: [u8; #length] = *#section;
        };
    }
}
