"""Where a worker goes on: its position in the log, the rules' decision state, and what it set aside, all written with what they led to."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import tuple_
from sqlmodel import Session, col, delete, select, update

from store.model import PositionLostError, StoreError
from store.session import insert
from store.tables import DecisionStateRow, PositionRow, RejectedCountRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The last record of a partition that was judged (0: none yet), and how often that was written.

    `checkpoint_seq` is the `seq` at which the decision state was written: from there it is judged once more after a start.
    """

    seq: int
    epoch: int
    checkpoint_seq: int = 0


def positions(session: Session, stream_created: str, partitions: Iterable[int]) -> dict[int, Position]:
    """Positions of some partitions of a stream, begun at 0 where there is none.

    Parameters
    ----------
    session
        Of `Database.write`.
    stream_created
        When the stream was created, as the log says: a stream made anew counts from 1 again, and has positions of its own.
    partitions
        Which.
    """
    wanted = sorted(partitions)
    for partition in wanted:
        begun = insert(session, PositionRow).values(stream_created=stream_created, partition=partition, seq=0, epoch=0, checkpoint_seq=0)
        session.exec(begun.on_conflict_do_nothing())
    rows = select(PositionRow).where(PositionRow.stream_created == stream_created, col(PositionRow.partition).in_(wanted))
    return {row.partition: Position(seq=row.seq, epoch=row.epoch, checkpoint_seq=row.checkpoint_seq) for row in session.exec(rows)}


def known_streams(session: Session) -> frozenset[str]:
    """Creation times of every stream that was ever read: one that is not among them was made anew, or restored."""
    return frozenset(session.exec(select(PositionRow.stream_created).distinct()))


def advance(
    session: Session, stream_created: str, moves: Mapping[int, int], at: Mapping[int, Position], *, checkpoint: bool = False
) -> dict[int, Position]:
    """Move positions on, in the transaction of what that led to; best as its first statement, so that a loser does no work.

    Parameters
    ----------
    moves
        The new `seq` of each partition; the same one again where only time has passed.
    at
        The positions as they were last read or moved.
    checkpoint
        The decision state is written in this transaction too.

    Returns
    -------
    dict
        The positions of those partitions as they are once the transaction is kept.

    Raises
    ------
    PositionLostError
        If somebody else moved one of them; the transaction must end with it.
    StoreError
        If a position would move back.
    """
    moved = {}
    for partition, seq in sorted(moves.items()):
        old = at[partition]
        if seq < old.seq:
            raise StoreError(f"partition {partition} is at {old.seq}, cannot move back to {seq}")
        place = (
            col(PositionRow.stream_created) == stream_created,
            col(PositionRow.partition) == partition,
            col(PositionRow.epoch) == old.epoch,
        )
        new = Position(seq=seq, epoch=old.epoch + 1, checkpoint_seq=seq if checkpoint else old.checkpoint_seq)
        moved[partition] = new
        values = {"seq": new.seq, "epoch": new.epoch, "checkpoint_seq": new.checkpoint_seq}
        if session.exec(update(PositionRow).where(*place).values(**values)).rowcount != 1:
            raise PositionLostError(f"partition {partition} is no longer at epoch {old.epoch}: another worker has it")
    return moved


def reset(session: Session, stream_created: str, seq: int) -> None:
    """Put every position of a stream to a `seq`, back too: the stream was restored, and what comes next will be numbered from there on."""
    moved = {"seq": seq, "checkpoint_seq": seq, "epoch": col(PositionRow.epoch) + 1}
    session.exec(update(PositionRow).where(col(PositionRow.stream_created) == stream_created).values(**moved))


def save_decisions(session: Session, rule: str, changed: Mapping[str, Any], gone: Iterable[str] = ()) -> None:
    """Write a rule's decision state of the devices whose state changed, and forget that of those which have none any more."""
    rows = [{"rule": rule, "device_key": key, "body": json.dumps(state, ensure_ascii=False)} for key, state in sorted(changed.items())]
    if rows:
        new = insert(session, DecisionStateRow)
        session.exec(new.on_conflict_do_update(index_elements=["rule", "device_key"], set_={"body": new.excluded.body}), params=rows)
    keys = [(rule, key) for key in sorted(gone)]
    if keys:
        session.exec(delete(DecisionStateRow).where(tuple_(col(DecisionStateRow.rule), col(DecisionStateRow.device_key)).in_(keys)))


def decisions(session: Session) -> dict[str, dict[str, Any]]:
    """Decision state by rule and device key: what `Pipeline.restore` takes."""
    found: dict[str, dict[str, Any]] = {}
    for row in session.exec(select(DecisionStateRow)):
        found.setdefault(row.rule, {})[row.device_key] = json.loads(row.body)
    return found


def states_that_say(session: Session, rule: str, community_id: str, word: str) -> dict[str, Any]:
    """Decision state of a rule by the key of a community's devices, of those only that have a word as a key of theirs."""
    place = (DecisionStateRow.rule == rule, col(DecisionStateRow.device_key).startswith(f"{community_id}/", autoescape=True))
    said = select(DecisionStateRow).where(*place, col(DecisionStateRow.body).contains(f'"{word}":', autoescape=True))
    return {row.device_key: json.loads(row.body) for row in session.exec(said.order_by(col(DecisionStateRow.device_key)))}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """What of a snapshot is to be saved: the states that are new or other than before, and the keys that are gone."""
    return {key: state for key, state in after.items() if key not in before or before[key] != state}, frozenset(before) - frozenset(after)


def count_rejected(session: Session, day: str, counts: Mapping[tuple[str, str], int]) -> None:
    """Add to the counts of what was set aside, by (community, reason); the community is empty where none is known."""
    rows = [{"community_id": key[0], "reason": key[1], "day": day, "count": count} for key, count in sorted(counts.items())]
    if not rows:
        return
    new = insert(session, RejectedCountRow)
    added = new.on_conflict_do_update(
        index_elements=["community_id", "reason", "day"], set_={"count": col(RejectedCountRow.count) + new.excluded.count}
    )
    session.exec(added, params=rows)


def rejected(session: Session, community_id: str, day: str) -> dict[str, int]:
    """What was set aside on a day, by reason."""
    rows = select(RejectedCountRow).where(RejectedCountRow.community_id == community_id, RejectedCountRow.day == day)
    return {row.reason: row.count for row in session.exec(rows)}
