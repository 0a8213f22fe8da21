/* catalog: products, their variants and prices, as the ERP feeds them. */
#include "service.h"

#include "catalog/queries.h"

extern const struct route catalog_routes[];

int main(int argc, char **argv)
{
    return service_main(argc, argv,
                        &(struct service){
                            .name = "catalog",
                            .purpose = "products, variants, prices in several currencies, tax classes; imports",
                            .queries = catalog_queries,
                            .migrations = catalog_migrations,
                            .routes = catalog_routes,
                        });
}
