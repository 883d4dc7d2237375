"""How the schema came about, one file a change, run by `store.session.Database.upgrade`."""
