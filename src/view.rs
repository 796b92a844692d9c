//! Views: functions whose arguments come from the URL.
//!
//! Flask calls a view with keyword arguments. Rust has none, so a view takes its arguments in the order
//! in which the rule names them, each as a type of its own choice.
//!
//! Read next: `typing.rs`, what a view may return.

use std::any::type_name;

use uuid::Uuid;

use crate::error::Error;
use crate::hook::function_name;
use crate::typing::{IntoReturnValue, ReturnValue};
use crate::value::{Dict, Value};
use crate::wrappers::HttpException;

/// The arguments of a view: the URL's variables in the order in which the rule names them, then the
/// rule's defaults. Flask: `request.view_args`.
pub type ViewArgs = Dict;

// ANCHOR: from_view_arg
/// One argument of a view, taken from the front of what is left of its [`ViewArgs`]. A [`Value`] takes any: what is
/// left to a view that takes a list, say, is [`from_value`](crate::json::from_value).
pub trait FromViewArg: Sized {
    /// Takes it.
    ///
    /// # Errors
    /// A `TypeError` where there is none left or it is of another type; a 404 where it is a number
    /// too large for the type, since then no such thing can exist.
    fn from_view_arg(args: &mut ViewArgs) -> Result<Self, Error>;
}
// ANCHOR_END: from_view_arg

// ANCHOR: next_arg
fn next_arg(args: &mut ViewArgs) -> Result<(String, Value), Error> {
    args.shift_remove_index(0)
        .ok_or_else(|| Error::type_error("the view takes more arguments than its URL rule has"))
}
// ANCHOR_END: next_arg

fn wrong_type<T>(name: &str, value: &Value) -> Error {
    Error::type_error(format!(
        "the view takes {name} as {}, but it is {value:?}",
        type_name::<T>()
    ))
}

/// `None` where the view gets no more arguments, or null as a default: Python's `name=None`, for a view with a rule
/// that has the variable and one that has not.
///
/// ```
/// use carafe::{App, Scaffold};
/// fn hello(name: Option<String>) -> String {
///     format!("Hello, {}!", name.as_deref().unwrap_or("stranger"))
/// }
///
/// let mut app = App::new("hello");
/// app.route("/hello/", hello);
/// app.route("/hello/<name>", hello);
/// assert_eq!(app.test_client().get("/hello/").send()?.text(), "Hello, stranger!");
/// assert_eq!(app.test_client().get("/hello/jack").send()?.text(), "Hello, jack!");
/// # Ok::<(), carafe::Error>(())
/// ```
impl<T: FromViewArg> FromViewArg for Option<T> {
    fn from_view_arg(args: &mut ViewArgs) -> Result<Self, Error> {
        match args.first() {
            None => Ok(None),
            Some((_, Value::Null)) => {
                next_arg(args)?;
                Ok(None)
            }
            Some(_) => T::from_view_arg(args).map(Some),
        }
    }
}

impl FromViewArg for ViewArgs {
    fn from_view_arg(args: &mut ViewArgs) -> Result<Self, Error> {
        Ok(std::mem::take(args))
    }
}

impl FromViewArg for Value {
    fn from_view_arg(args: &mut ViewArgs) -> Result<Self, Error> {
        Ok(next_arg(args)?.1)
    }
}

// ANCHOR: string_from_view_arg
impl FromViewArg for String {
    fn from_view_arg(args: &mut ViewArgs) -> Result<Self, Error> {
        match next_arg(args)? {
            (_, Value::Str(text)) => Ok(text),
            (name, other) => Err(wrong_type::<Self>(&name, &other)),
        }
    }
}
// ANCHOR_END: string_from_view_arg

impl FromViewArg for bool {
    fn from_view_arg(args: &mut ViewArgs) -> Result<Self, Error> {
        match next_arg(args)? {
            (_, Value::Bool(flag)) => Ok(flag),
            (name, other) => Err(wrong_type::<Self>(&name, &other)),
        }
    }
}

impl FromViewArg for f64 {
    fn from_view_arg(args: &mut ViewArgs) -> Result<Self, Error> {
        match next_arg(args)? {
            (_, Value::Float(number)) => Ok(number),
            (name, other) => Err(wrong_type::<Self>(&name, &other)),
        }
    }
}

impl FromViewArg for Uuid {
    fn from_view_arg(args: &mut ViewArgs) -> Result<Self, Error> {
        match next_arg(args)? {
            (_, Value::Uuid(uuid)) => Ok(uuid),
            (name, other) => Err(wrong_type::<Self>(&name, &other)),
        }
    }
}

fn integer<T: TryFrom<i64> + std::str::FromStr>(args: &mut ViewArgs) -> Result<T, Error> {
    match next_arg(args)? {
        (_, Value::Int(number)) => T::try_from(number).map_err(|_| HttpException::new(404).into()),
        (_, Value::BigInt(digits)) => digits.parse().map_err(|_| HttpException::new(404).into()),
        (name, other) => Err(wrong_type::<T>(&name, &other)),
    }
}

macro_rules! integer_args {
    ($($type:ty),*) => {$(
        impl FromViewArg for $type {
            fn from_view_arg(args: &mut ViewArgs) -> Result<Self, Error> {
                integer(args)
            }
        }
    )*};
}
integer_args!(i8, i16, i32, i64, i128, u8, u16, u32, u64, u128, usize);

/// A view: a function of up to six arguments, each a [`FromViewArg`], whose result is an
/// [`IntoReturnValue`]. `Args` only tells the implementations apart.
///
/// A closure with a `?` in it has to say which error it returns, as `?` makes any of any other:
///
/// ```
/// use carafe::{App, Error, Scaffold, session};
/// let mut app = App::new("shop");
/// app.post("/empty", || {
///     session().clear()?;
///     Ok::<_, Error>("your cart is empty")
/// });
/// ```
///
/// What is a decorator in Python is here a view of its own, around another one:
///
/// ```
/// use carafe::typing::ReturnValue;
/// use carafe::view::View;
/// use carafe::{App, Error, Scaffold, ViewArgs, abort, session, url_for};
///
/// struct LoginRequired<V>(V);
///
/// impl<A, V: View<A>> View<A> for LoginRequired<V> {
///     fn call(&self, args: ViewArgs) -> Result<ReturnValue, Error> {
///         if !session().contains_key("username") {
///             return Err(abort(401));
///         }
///         self.0.call(args)
///     }
///
///     // functools.wraps
///     fn name(&self) -> &'static str {
///         self.0.name()
///     }
/// }
///
/// fn order(id: u32) -> String {
///     format!("order {id}")
/// }
///
/// let mut app = App::new("shop");
/// app.config().set_secret_key("adavafa");
/// app.get("/order/<int:id>", LoginRequired(order));
/// app.get("/", || url_for("order").arg("id", 7).build());
///
/// let mut client = app.test_client();
/// assert_eq!(client.get("/").send()?.text(), "/order/7");
/// assert_eq!(client.get("/order/7").send()?.status_code(), 401);
/// client.session_transaction(|session| session.insert("username", "jack"))?;
/// assert_eq!(client.get("/order/7").send()?.text(), "order 7");
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a view",
    note = "a view takes up to six arguments, each a `FromViewArg` such as `i64`, `String` or `Value`",
    note = "and returns an `IntoReturnValue`: text, bytes, a `Response`, `Json(..)`, `(body, status)`, \
            `(body, status, headers)`, or an `Option` or `Result` of one"
)]
pub trait View<Args>: Send + Sync + 'static {
    /// Calls it with the request's view arguments.
    ///
    /// # Errors
    /// What the view failed with, or a `TypeError` where the arguments do not fit.
    fn call(&self, args: ViewArgs) -> Result<ReturnValue, Error>;

    /// `view.__name__`: what its endpoint is called unless the route names it, and what a trace calls it. A view around
    /// another one gives that one's.
    fn name(&self) -> &'static str {
        function_name::<Self>()
    }
}

fn no_args_left(args: &ViewArgs) -> Result<(), Error> {
    match args.first() {
        None => Ok(()),
        Some((name, _)) => Err(Error::type_error(format!(
            "the view got an unexpected argument '{name}'"
        ))),
    }
}

// A function of each number of arguments is a type of its own; only a macro can list them.
// ANCHOR: views
macro_rules! views {
    ($(($($arg:ident),*))*) => {$(
        impl<F, R, $($arg),*> View<($($arg,)*)> for F
        where
            F: Fn($($arg),*) -> R + Send + Sync + 'static,
            R: IntoReturnValue,
            $($arg: FromViewArg,)*
        {
            #[allow(non_snake_case, unused_mut)]
            fn call(&self, mut args: ViewArgs) -> Result<ReturnValue, Error> {
                $(let $arg = $arg::from_view_arg(&mut args)?;)*
                no_args_left(&args)?;
                self($($arg),*).into_return_value()
            }
        }
    )*};
}
views! { () (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, G) }
// ANCHOR_END: views
