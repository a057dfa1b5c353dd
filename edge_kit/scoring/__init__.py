"""Scoring of archives: a manifest of films in parts, and for each part one Parquet of answers.

The part is the unit of everything: of work, of resuming, of shards. Its answers are there whole or
not at all, and a journal says which are. Who scores the parts is behind one interface
(`executor.Executor`): processes here, or a Ray cluster. Needs the extra `edge-kit[scale]`.
"""
