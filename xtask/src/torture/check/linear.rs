//! Whether a piece is linearizable, by stateright's search.

use stateright::semantics::{ConsistencyTester as _, LinearizabilityTester, SequentialSpec};

use super::object::{Event, Step};
use super::pieces::Piece;

/// The films of an object, one operation at a time.
#[derive(Clone, Debug)]
struct Films(Vec<u64>);

/// What an operation returns: a read the values, a write nothing.
type Returned = Option<Vec<u64>>;

#[derive(Clone, Debug)]
enum Operation {
    Write(usize, u64),
    Read,
}

impl SequentialSpec for Films {
    type Op = Operation;
    type Ret = Returned;

    fn invoke(&mut self, operation: &Operation) -> Returned {
        match operation {
            Operation::Write(film, value) => {
                self.0[*film] = *value;
                None
            }
            Operation::Read => Some(self.0.clone()),
        }
    }

    /// Compares without a copy: the search comes here for every order that it tries.
    fn is_valid_step(&mut self, operation: &Operation, returned: &Returned) -> bool {
        match operation {
            Operation::Write(..) => self.invoke(operation) == *returned,
            Operation::Read => returned.as_ref() == Some(&self.0),
        }
    }
}

/// Tells whether an order of the operations exists that explains what each read returned.
pub(super) fn is_linearizable(piece: &Piece) -> bool {
    let mut tester = LinearizabilityTester::new(Films(piece.state.clone()));
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
            (true, Step::Read(values)) => tester.on_return(event.thread, Some(values.clone())),
        };
        // The operations of a thread follow each other, unless the file was changed by hand.
        if accepted.is_err() {
            return false;
        }
    }
    tester.is_consistent()
}
