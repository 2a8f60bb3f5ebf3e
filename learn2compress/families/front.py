"""Which sub-networks are worth picking, and which one a budget picks: pure functions of what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from learn2compress.config import BudgetConfig
from learn2compress.config.parsing import ConfigError
from learn2compress.results.sub_networks import FamilyFront, SubNetworkResult


def not_beaten(
    results: Sequence[SubNetworkResult], costs_of: Callable[[SubNetworkResult], tuple[float, ...]]
) -> list[SubNetworkResult]:
    """Returns the results that no other beats: one as accurate that costs as little, and is better in one of them.

    Args:
      results: Of sub-networks. Of several that are equal in all, the first is kept.
      costs_of: Returns what must be small.
    """
    kept: list[SubNetworkResult] = []
    # Whoever beats another comes before it in this order.
    for result in sorted(results, key=lambda one: (-one.top_1, costs_of(one))):
        costs = costs_of(result)
        if not any(all(mine <= yours for mine, yours in zip(costs_of(one), costs, strict=True)) for one in kept):
            kept.append(result)
    return kept


def most_accurate_first(result: SubNetworkResult) -> tuple[float, ...]:
    """Returns the key by which results are sorted: the most accurate first, of equal ones that of fewer operations."""
    return (-result.top_1, result.macs, result.num_parameters)


def pick(
    front: FamilyFront,
    budget: BudgetConfig | None,
    latency_of: Callable[[SubNetworkResult, float], float],
    field: str,
) -> SubNetworkResult:
    """Returns the most accurate sub-network within every limit of a budget.

    Example:
      >>> from learn2compress.config import BudgetConfig
      >>> from learn2compress.families.front import pick
      >>> from learn2compress.results.sub_networks import FamilyFront, SubNetwork, SubNetworkResult
      >>> large = SubNetworkResult(SubNetwork(1.0, 2, 1), 0.95, 9000, 50_000, model_bytes=20_000)
      >>> small = SubNetworkResult(SubNetwork(0.5, 1, 1), 0.9, 3000, 10_000, model_bytes=8000)
      >>> front = FamilyFront(500, (large, small))
      >>> str(pick(front, BudgetConfig(max_model_bytes=10_000), lambda result, limit_ms: 1.0, "students.s").sub_network)
      'width 0.5, stage 1 block 1'

    Args:
      front: What was measured.
      budget: The limits; `None` for none.
      latency_of: Returns a sub-network's latency for a limit that it is held against, both in milliseconds; called as
        rarely as it takes.
      field: The student's, for the message.

    Raises:
      ConfigError: none is within the budget; the message has the closest one's figures.
    """
    candidates = sorted(front.front, key=most_accurate_first)
    if budget is None:
        return candidates[0]
    fitting = [result for result in candidates if _excess(result, budget) <= 1.0]
    if not fitting:
        closest = min(candidates, key=lambda result: (_excess(result, budget), most_accurate_first(result)))
        figures = f"{closest.model_bytes} bytes and {closest.macs} operations"
        raise ConfigError(
            f"{field}.budget: found {_limits(budget)}, accepted is what a sub-network of search.family is within; the "
            f"closest, {closest.sub_network}, has {figures} with an accuracy of {closest.top_1:.4f}"
        )
    limit_ms = budget.max_latency_ms
    if limit_ms is None:
        return fitting[0]
    measured = []
    for result in fitting:
        latency_ms = latency_of(result, limit_ms)
        if latency_ms <= limit_ms:
            return result
        measured.append((latency_ms, result))
    latency_ms, fastest = min(measured, key=lambda one: one[0])
    raise ConfigError(
        f"{field}.budget: found {_limits(budget)}, accepted is what a sub-network of search.family is within; the "
        f"fastest of those within the other limits, {fastest.sub_network}, takes {latency_ms:.3g} ms with an accuracy "
        f"of {fastest.top_1:.4f}"
    )


def _excess(result: SubNetworkResult, budget: BudgetConfig) -> float:
    """Returns the largest ratio of what a sub-network costs to its limit, latency apart; 0 without such a limit."""
    pairs: Iterable[tuple[float | None, int | None]] = (
        (result.model_bytes, budget.max_model_bytes),
        (result.macs, budget.max_macs),
    )
    return max((cost / limit for cost, limit in pairs if cost is not None and limit is not None), default=0.0)


def _limits(budget: BudgetConfig) -> str:
    limits = {
        "max_model_bytes": budget.max_model_bytes,
        "max_macs": budget.max_macs,
        "max_latency_ms": budget.max_latency_ms,
    }
    return ", ".join(f"{name} {limit}" for name, limit in limits.items() if limit is not None)
