//! Whether a piece is linearizable, by stateright's search.

use std::marker::PhantomData;

use stateright::semantics::{ConsistencyTester as _, LinearizabilityTester, SequentialSpec};

use super::object::{Event, Step};
use super::pieces::Piece;

/// The films of an object, one operation at a time.
#[derive(Clone, Debug)]
struct Films<'a>(Vec<u64>, PhantomData<&'a [u64]>);

/// What an operation returned: a read the values, a write nothing. Borrowed, because the search copies the
/// operations for every order that it tries.
type Returned<'a> = Option<&'a [u64]>;

#[derive(Clone, Debug)]
enum Operation {
    Write(usize, u64),
    Read,
}

impl<'a> SequentialSpec for Films<'a> {
    type Op = Operation;
    type Ret = Returned<'a>;

    /// Does an operation whose result nobody saw. A piece has no such reads.
    fn invoke(&mut self, operation: &Operation) -> Returned<'a> {
        if let Operation::Write(film, value) = operation {
            self.0[*film] = *value;
        }
        None
    }

    fn is_valid_step(&mut self, operation: &Operation, returned: &Returned<'a>) -> bool {
        match operation {
            Operation::Write(..) => self.invoke(operation) == *returned,
            Operation::Read => *returned == Some(self.0.as_slice()),
        }
    }
}

/// Tells whether an order of the operations exists that explains what each read returned.
pub(super) fn is_linearizable(piece: &Piece) -> bool {
    let mut tester = LinearizabilityTester::new(Films(piece.state.clone(), PhantomData));
    // At the same nanosecond, operations overlap: those that begin come first.
    let mut moments: Vec<(u64, bool, &Event)> =
        piece.events.iter().map(|event| (event.invoked, false, event)).collect();
    moments.extend(piece.events.iter().map(|event| (event.returned, true, event)));
    moments.sort_by_key(|(time, has_returned, _)| (*time, *has_returned));
    for (_, has_returned, event) in moments {
        let accepted = match (has_returned, &event.step) {
            (false, Step::Write(film, value)) => {
                tester.on_invoke(event.thread, Operation::Write(*film, *value))
            }
            (false, Step::Read(_)) => tester.on_invoke(event.thread, Operation::Read),
            (true, Step::Write(..)) => tester.on_return(event.thread, None),
            (true, Step::Read(values)) => tester.on_return(event.thread, Some(values.as_slice())),
        };
        // The operations of a thread follow each other, unless the file was changed by hand.
        if accepted.is_err() {
            return false;
        }
    }
    tester.is_consistent()
}
