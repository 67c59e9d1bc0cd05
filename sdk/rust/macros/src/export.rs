//! The code that the attributes add.

use proc_macro2::{Literal, Span, TokenStream as Tokens};
use quote::quote;
use syn::Ident;

use crate::Agent;

/// The component's export for these agents.
pub(crate) fn export(agents: &[Agent]) -> Tokens {
    let names: String = agents.iter().flat_map(|agent| [agent.name.as_str(), "\n"]).collect();
    let invoke = invoke(agents, &names);
    let component = component(&names);
    quote!(#invoke #component)
}

fn invoke(agents: &[Agent], names: &str) -> Tokens {
    // Of the macro's own scope: an agent may be called `call` too.
    let call = Ident::new("call", Span::mixed_site());
    let arms = agents.iter().map(|Agent { name, path, .. }| {
        quote!(#name => ::workflowforge_sdk::export::serve(#call, #path),)
    });
    let known = agents.iter().map(known);
    quote! {
        /// Hands a call to its agent.
        #[doc(hidden)]
        pub fn __workflowforge_invoke(
            #call: ::workflowforge_sdk::export::Call,
        ) -> ::core::result::Result<
            ::workflowforge_sdk::export::Reply,
            ::workflowforge_sdk::Failure,
        > {
            match #call.agent.as_str() {
                #(#arms)*
                ::workflowforge_sdk::export::DESCRIBE => {
                    ::workflowforge_sdk::export::describe([#(#known),*])
                }
                _ => ::core::result::Result::Err(
                    ::workflowforge_sdk::export::unknown_agent(&#call, #names),
                ),
            }
        }
    }
}

/// What the code knows of an agent: its name and a `Known`.
fn known(agent: &Agent) -> Tokens {
    let Agent { name, path, description, is_configured } = agent;
    let (types, config) = if *is_configured {
        let types = quote! {
            let (input, output, config) = ::workflowforge_sdk::export::types_with_config(#path);
        };
        (types, quote!((&config).schema(::workflowforge_sdk::export::Way::In)))
    } else {
        let types = quote!(let (input, output) = ::workflowforge_sdk::export::types(#path););
        (types, quote!(::core::option::Option::None))
    };
    quote! {
        (#name, {
            #[allow(unused_imports, reason = "which of them is needed depends on the types")]
            use ::workflowforge_sdk::export::{WithSchema as _, WithoutSchema as _};
            #types
            ::workflowforge_sdk::export::Known {
                description: #description,
                input: (&input).schema(::workflowforge_sdk::export::Way::In),
                output: (&output).schema(::workflowforge_sdk::export::Way::Out),
                config: #config,
            }
        })
    }
}

fn component(names: &str) -> Tokens {
    let section = Literal::byte_string(names.as_bytes());
    let length = names.len();
    quote! {
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
