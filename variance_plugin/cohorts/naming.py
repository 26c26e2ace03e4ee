"""The name of the trait that stands for a cohort. Pure."""


def trait_name(cohort: str, id_: int) -> str:
    """As Segment names an audience's trait: `Completed Order (last 30 days)`, `completed_order_last_30_days`.

    Letters and digits of any script stay, in lower case; all between them becomes one `_`. A name without
    any is `cohort_` and the cohort's number.
    """
    spaced = "".join(character if character.isalnum() else " " for character in cohort.lower())
    return "_".join(spaced.split()) or f"cohort_{id_}"
