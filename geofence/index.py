"""Which of many fences positions are in or near: exact, and fast for batches.

Words: a *fence* here is an area (polygons with holes) or a directed line (a polyline). Positions and vertices are WGS 84 degrees.

Geometry is judged in each fence's own metric frame, `Frame.at` the middle of its extent: a position is in an area where GEOS says
`intersects` of `frame.metres(...)` of both, so what lies on a border or a vertex is in. `signed_distance` is in metres of that frame:
of an area the distance to its border, above 0 inside, 0 on it; of a line the distance to it, above 0 to its left
(`geofence.lines.signed_distance`). Membership is exact (determinants too near 0 for floating point are summed without error), distances
are right to 1e-9 m.

What others may build on::

    outlines = Outlines.of(areas=[rings, ...], lines=[path, ...], reach_m=...)   # or columns: lon_deg, lat_deg, ring, fence, is_line, reach_m
    index = FenceIndex.build(outlines)                       # fences are numbered 0..M-1 in that order
    position, fence = index.containing(lon_deg, lat_deg)     # all pairs: (P,) int64 rows of the batch, (P,) int64 numbers, in order of both
    position, fence, distance_m = index.near(lon_deg, lat_deg)        # all pairs with signed distance >= -reach_m of the fence, either side of a line
    distance_m = index.signed_distance(lon_deg, lat_deg, fence)       # named pairs: three (P,) columns in, (P,) float64 out
    number = index.add(outline); index.change(number, outline); index.remove(number)     # one fence; seen by every query that begins after it
    index.compact()                                          # may run in another thread; nobody waits for it

Areas must be valid (`geofence.shapes` repairs or refuses). A fence across the antimeridian is given with longitudes that go on beyond 180; one
that spans more than 180 degrees, or reaches a latitude beyond 89, is refused. Positions may have any longitude; NaN is nowhere.
"""
